"""The sheets of the explorer: which columns and facets findings, consensus findings and changes have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records import Severity, Verdict
from batchnb.results.decisions.triage import UNDECIDED
from batchnb.results.identity import cwe_tree
from batchnb.results.identity.comparison import Change
from batchnb.results.severity import CellState
from batchnb.results.text import shorten
from batchnb.tools.text import visible
from batchnb.widgets.explorer.facets import Facet, make_facet
from batchnb.widgets.explorer.sheet import Sheet, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LEVELS = tuple(str(level) for level in Severity)
_WORST = (("severity", False), ("model", True), ("app_num", True), ("path", True), ("line", True))
_LABEL_LIMIT = 60
Apps = Mapping[tuple[str, int], CellState]
"""The apps that something was planned for or reported about: those without findings can be chosen, too."""

_SEVERITY = Shown(
    name="severity", title="Severity", sort_by=("severity",), text=lambda row: row.severity, worst_first=True
)
_MODEL = Shown(name="model", title="Model", sort_by=("model",), text=lambda row: row.model, limit=60)
_APP = Shown(name="app", title="App", sort_by=("app_num",), text=lambda row: str(row.app_num))
_CWE = Shown(name="cwe", title="CWE", sort_by=("cwe",), text=lambda row: word(row.cwe))
_RULE = Shown(
    name="rule", title="Tool, rule", sort_by=("tool", "rule"), text=lambda row: f"{row.tool} {row.rule}"
)
_PLACE = Shown(
    name="place",
    title="Place",
    sort_by=("path", "line"),
    text=lambda row: place_text(row.path, row.line),
    limit=160,
)
_MESSAGE = Shown(
    name="message", title="Message", sort_by=("message",), text=lambda row: word(row.message), limit=240
)
_VERDICT = Shown(
    name="verdict", title="Verdict", sort_by=("verdict",), text=lambda row: verdict_text(row.verdict)
)
_TOOLS = Shown(
    name="tools", title="Tools", sort_by=("n_tools", "tools"), text=lambda row: row.tools, worst_first=True
)
_STATE = Shown(name="state", title="State", sort_by=("state",), text=lambda row: str(row.state))


def word(value: object) -> str:
    """Return a value as text; empty: missing."""
    return "" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 - NaN


def place_text(path: object, line: object) -> str:
    """Return `path:line`, or the path if the whole file is meant."""
    return f"{word(path)}:{word(line)}" if word(line) else word(path)


def verdict_text(verdict: object) -> str:
    """Return a verdict in words; empty: undecided."""
    return word(verdict).replace("_", " ")


def findings_sheet(frame: pd.DataFrame, apps: Apps) -> Sheet:
    """Return the sheet of `Triage.findings`; `apps` are all apps of the dataset."""
    jobs = len(frame["job_id"].unique()) > 1
    return _sheet(
        "findings",
        "finding",
        frame,
        (_SEVERITY, _MODEL, _APP, _RULE, _CWE, _PLACE, _MESSAGE, _VERDICT),
        (
            _plain(frame, "severity", "Severity", order=_LEVELS),
            _model(frame, apps),
            _app(frame, apps),
            _plain(frame, "analysis_type", "Analysis", "analysis", show=lambda text: text.replace("_", " ")),
            _plain(frame, "tool", "Tool"),
            _rule(frame),
            _cwe(frame),
            _verdict(frame),
            _tags(frame),
            *([_plain(frame, "job_id", "Job", "job", none="no job")] if jobs else []),
        ),
        ("message", "snippet", "tags"),
    )


def consensus_sheet(frame: pd.DataFrame, apps: Apps) -> Sheet:
    """Return the sheet of `Triage.consensus`; see findings_sheet."""
    return _sheet(
        "consensus",
        "consensus finding",
        frame,
        (_SEVERITY, _MODEL, _APP, _TOOLS, _CWE, _PLACE, _MESSAGE, _VERDICT),
        (
            _plain(frame, "severity", "Severity", order=_LEVELS),
            _model(frame, apps),
            _app(frame, apps),
            make_facet("tool", "Tool", frame["tools"], label=_label("no tool"), split=", "),
            _plain(frame, "n_tools", "Tools that agree", "agree"),
            _cwe(frame),
            _verdict(frame),
            _tags(frame),
        ),
        ("message", "rules", "tags"),
    )


def comparison_sheet(frame: pd.DataFrame, apps: Apps) -> Sheet:
    """Return the sheet of `Comparison.frame`; see findings_sheet."""
    placed = frame.assign(
        path=frame["path_after"].fillna(frame["path_before"]),
        line=frame["line_after"].where(frame["path_after"].notna(), frame["line_before"]),
    )
    return _sheet(
        "comparison",
        "compared finding",
        placed,
        (_STATE, _SEVERITY, _MODEL, _APP, _RULE, _PLACE, _MESSAGE),
        (
            _plain(placed, "state", "State", order=tuple(str(each) for each in Change)),
            _plain(placed, "severity", "Severity", order=_LEVELS),
            _model(placed, apps),
            _app(placed, apps),
            _plain(placed, "analysis_type", "Analysis", "analysis", show=lambda text: text.replace("_", " ")),
            _plain(placed, "tool", "Tool"),
            _rule(placed),
            _cwe(placed),
            _tags(placed),
        ),
        ("message", "tags", "path_before"),
        worst=(("state", True), *_WORST),
    )


def _sheet(
    name: str,
    noun: str,
    frame: pd.DataFrame,
    columns: tuple[Shown, ...],
    facets: Iterable[Facet],
    searched: tuple[str, ...],
    worst: tuple[tuple[str, bool], ...] = _WORST,
) -> Sheet:
    rows = frame.reset_index(drop=True)
    return Sheet(
        name=name,
        noun=noun,
        frame=rows,
        columns=columns,
        worst=worst,
        facets={facet.name: facet for facet in facets},
        haystack=_haystack(rows, searched),
    )


def _haystack(rows: pd.DataFrame, searched: tuple[str, ...]) -> pd.Series:
    """Return what a search looks into: the texts as they are, and places, apps and weaknesses as shown."""
    texts = [
        rows["model"].astype("string"),
        "app " + rows["app_num"].astype("string"),
        rows["path"] + (":" + rows["line"].astype("string")).fillna(""),
        "CWE-" + rows["cwe"].astype("string"),
        *(
            rows[name].astype("string")
            for name in ("tool", "tools", "rule", "severity", *searched)
            if name in rows
        ),
    ]
    joined = reduce(lambda all_, each: all_ + "\n" + each.fillna(""), texts[1:], texts[0].fillna(""))
    return joined.str.casefold()


def _label(none: str, show: Callable[[str], str] = str) -> Callable[[Any], str]:
    def label(value: Any) -> str:
        return none if value is None else shorten(visible(show(str(value)), one_line=True), _LABEL_LIMIT)

    return label


def _plain(
    frame: pd.DataFrame,
    column: str,
    title: str,
    name: str = "",
    *,
    none: str = "none",
    order: tuple[Any, ...] = (),
    show: Callable[[str], str] = str,
) -> Facet:
    return make_facet(name or column, title, frame[column], label=_label(none, show), order=order)


def _model(frame: pd.DataFrame, apps: Apps) -> Facet:
    models = sorted({model for model, _ in apps})
    return make_facet("model", "Model", frame["model"], label=_label("none"), also=models)


def _app(frame: pd.DataFrame, apps: Apps) -> Facet:
    numbers = sorted({number for _, number in apps} | set(frame["app_num"].dropna().tolist()))
    return make_facet(
        "app", "App", frame["app_num"], label=_label("none"), order=tuple(numbers), also=numbers
    )


def _rule(frame: pd.DataFrame) -> Facet:
    both = frame["tool"].astype("string") + ":" + frame["rule"].astype("string")
    return make_facet("rule", "Rule", both, label=_label("no rule"))


def _cwe(frame: pd.DataFrame) -> Facet:
    def label(value: Any) -> str:
        return "no CWE" if value is None else shorten(cwe_tree.title(int(value)), _LABEL_LIMIT)

    return make_facet("cwe", "CWE", frame["cwe"], label=label)


def _tags(frame: pd.DataFrame) -> Facet:
    return make_facet("tag", "Tag", frame["tags"].astype("string"), label=_label("no tag"), split=" ")


def _verdict(frame: pd.DataFrame) -> Facet:
    return make_facet(
        "verdict",
        "Verdict",
        frame["verdict"].astype("string"),
        label=_label(UNDECIDED, verdict_text),
        order=(None, *map(str, Verdict)),
    )
