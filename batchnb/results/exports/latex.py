"""Tables for papers: LaTeX with the package booktabs, safe for any text in the cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records import Severity
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.dataset import as_dataset
from batchnb.results.models.summary import summarize_models
from batchnb.results.severity import CellState
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.results.models.summary import ModelSummary

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    # After the end of a row, these two would be arguments of the line break.
    "[": "{[}",
    "*": "{*}",
    "]": "{]}",
    **{char: "\\" + char for char in "{}$&#_%"},
}
_HYPHENS = re.compile(r"-(?=-)")
_LABEL = re.compile(r"[A-Za-z0-9:_.-]+")
MISSING = "--"
_NOT_MEASURED = "--: not measured, or not known."
_LOWER_BOUND = "Counts of models with apps that were not (fully) measured are lower bounds."
_USED = "Over the apps that every tool read completely, without placeholders."


def latex_text(text: str) -> str:
    """Return any text so that LaTeX prints it, and does nothing else.

    What pdfLaTeX cannot print (beyond Latin-1, or invisible) is written as its code point.
    """
    # Two hyphens side by side would become a dash, which means "missing" here.
    return _HYPHENS.sub("-{}", "".join(map(_letter, visible(text, one_line=True))))


def _letter(char: str) -> str:
    if ord(char) > 0xFF:
        return char.encode("unicode_escape").decode().replace("\\", _SPECIAL["\\"])
    return _SPECIAL.get(char, char)


def latex_table(
    frame: pd.DataFrame,
    *,
    caption: str,
    label: str,
    columns: Mapping[str, str] | None = None,
    digits: int = 2,
    note: str = "",
) -> str:
    """Return a frame as a floating table; the paper needs the package booktabs.

    A missing value is an en dash, and the note then says that it was not measured.

    Args:
        frame: what to print, row by row.
        caption: the text above the table, as plain text.
        label: the name to refer to it, such as `tab:rates`.
        columns: the columns to print, in this order, and their headings; None: all, under their names.
        digits: digits after the point of numbers that are not whole.
        note: a text below the table, as plain text.

    Raises:
        UnknownNameError: for a column that the frame does not have.
        InvalidValueError: for a label with other characters than letters, digits and `:_.-`.
    """
    if not _LABEL.fullmatch(label):
        raise InvalidValueError("label", label, "use letters, digits and : _ . -")
    shown = {str(name): str(name) for name in frame.columns} if columns is None else dict(columns)
    for name in shown:
        if name not in frame.columns:
            raise UnknownNameError("column", name, map(str, frame.columns), "columns=")
    cells = [_cells(frame[name], digits) for name in shown]
    kinds = "".join("r" if _is_number(frame[name]) else "l" for name in shown)
    missing = any(MISSING in column for column in cells)
    below = " ".join(part for part in (latex_text(note), _NOT_MEASURED if missing else "") if part)
    return _float(
        latex_text(caption), label, kinds, [latex_text(head) for head in shown.values()], cells, below
    )


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def _cells(column: pd.Series, digits: int) -> list[str]:
    return [MISSING if pd.isna(value) else _cell(value, digits) for value in column]


def _cell(value: Any, digits: int) -> str:
    if isinstance(value, bool) or not pd.api.types.is_number(value):
        return latex_text(str(value))
    text = f"{value:,}" if pd.api.types.is_integer(value) else f"{value:,.{digits}f}"
    return text.replace("-", "$-$")


def _float(
    caption: str, label: str, kinds: str, heads: Sequence[str], cells: Sequence[list[str]], below: str
) -> str:
    rows = [f"    {' & '.join(row)} \\\\" for row in zip(*cells, strict=True)]
    lines = [
        r"\begin{table}[htbp]",
        r"  \centering",
        rf"  \caption{{{caption}}}",
        rf"  \label{{{label}}}",
        rf"  \begin{{tabular}}{{{kinds}}}",
        r"    \toprule",
        f"    {' & '.join(heads)} \\\\",
        r"    \midrule",
        *rows,
        r"    \bottomrule",
        r"  \end{tabular}",
        *([rf"  \par\smallskip{{\footnotesize {below}}}"] if below else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def latex_tables(source: object, *, rates: pd.DataFrame | None = None) -> dict[str, str]:
    """Return the usual tables of a paper: `coverage`, `rates` and `severity`, one row per model each.

    Args:
        source: a job or a dataset; of several jobs the newest counts for each app and analysis.
        rates: the rates of a comparison of models (columns of `MODEL_RATES`), which have 95 % intervals;
            None: plain rates without intervals.

    Raises:
        InvalidValueError: if `source` is neither a job nor a dataset.
    """
    models = summarize_models(as_dataset(source))
    return {
        "coverage": latex_table(
            _coverage(models), caption="Apps by how far they were measured", label="tab:coverage"
        ),
        "rates": latex_table(
            _plain_rates(models) if rates is None else _interval_rates(rates),
            caption="Findings reported per app and per 1,000 lines of code"
            + ("" if rates is None else ", with 95 % bootstrap intervals"),
            label="tab:rates",
            note=_USED if rates is None else "",
        ),
        "severity": latex_table(
            _severities(models),
            caption="Findings by severity",
            label="tab:severity",
            note=_LOWER_BOUND if any(each.is_lower_bound for each in models) else "",
        ),
    }


def _coverage(models: Sequence[ModelSummary]) -> pd.DataFrame:
    heads = {
        "Measured": CellState.MEASURED,
        "Partly": CellState.PARTLY,
        "Not measured": CellState.NOT_MEASURED,
        "Not applicable": CellState.NOT_APPLICABLE,
    }
    counts = {head: _numbers(each.states[state] for each in models) for head, state in heads.items()}
    return pd.DataFrame({"Model": _names(models), "Apps": _numbers(each.apps for each in models), **counts})


def _plain_rates(models: Sequence[ModelSummary]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Model": _names(models),
            "Apps": _numbers(each.used for each in models),
            "Findings": _numbers(each.used_findings if each.used else None for each in models),
            "Per app": pd.array([each.per_app for each in models], dtype="Float64"),
            "Per kLOC": pd.array([each.per_kloc for each in models], dtype="Float64"),
        }
    )


def _interval_rates(rates: pd.DataFrame) -> pd.DataFrame:
    def text(name: str) -> list[str | None]:
        columns = [rates[f"{name}{end}"].astype(object) for end in ("", "_low", "_high")]
        return [_with_interval(*values) for values in zip(*columns, strict=True)]

    used = rates["used"].astype("Int64")
    return pd.DataFrame(
        {
            "Model": rates["model"].astype(object),
            "Apps": used,
            "Findings": rates["findings"].astype("Int64").where(used > 0),
            "Per app": pd.Series(text("per_app"), index=rates.index, dtype=object),
            "Per kLOC": pd.Series(text("per_kloc"), index=rates.index, dtype=object),
        }
    )


def _with_interval(value: Any, low: Any, high: Any) -> str | None:
    if pd.isna(value):
        return None
    return f"{value:,.2f}" + ("" if pd.isna(low) or pd.isna(high) else f" [{low:,.2f}, {high:,.2f}]")


def _severities(models: Sequence[ModelSummary]) -> pd.DataFrame:
    levels = {
        str(level).capitalize(): _numbers(
            None if each.findings is None else each.severities[level] for each in models
        )
        for level in Severity
    }
    total = _numbers(each.findings for each in models)
    return pd.DataFrame(
        {"Model": _names(models), "Apps": _numbers(each.apps for each in models), **levels, "All": total}
    )


def _names(models: Sequence[ModelSummary]) -> pd.Series:
    return pd.Series([each.model for each in models], dtype=object)


def _numbers(values: Any) -> Any:
    return pd.array(list(values), dtype="Int64")
