"""A summary in Markdown, for a pull request, an issue or a readme.

All text of apps and tools stands in code spans: there no renderer sees links, images, HTML, mentions or
references in it, only backticks and the table's own bars need care.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from batchnb.records import Severity
from batchnb.results.dataset import as_dataset
from batchnb.results.gaps import find_gaps, gap_groups
from batchnb.results.identity import cwe_tree
from batchnb.results.identity.comparison import Change
from batchnb.results.models.summary import summarize_models
from batchnb.results.rebuild import coverage_records, finding_records, task_records
from batchnb.results.sarif.frame_json import Rows
from batchnb.results.severity import SEVERITY_RANK, CellState, severity_info, severity_text
from batchnb.results.text import plural, shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batchnb.results.dataset import Dataset
    from batchnb.results.gaps import Gap
    from batchnb.results.identity.comparison import Comparison
    from batchnb.results.models.summary import ModelSummary

MOST_ROWS = 20
"""Rows of a table; the line below it says how many more there are."""
MOST_LETTERS = 160
NONE = "\N{EN DASH}"
_BACKTICKS = re.compile(r"`+")
_RATES = (
    "Rates are over the apps that every tool read completely, without placeholders. ≥: a lower bound, because"
    f" something was not measured. {NONE}: not measured, or not known. A count says what the tools reported,"
    " not how safe an app is."
)


def markdown_summary(source: object, comparison: Comparison | None = None) -> str:
    """Return a summary: headline, models, most frequent rules and weaknesses, what was not measured.

    Args:
        source: a job or a dataset; of several jobs the newest counts for each app and analysis.
        comparison: of it with an earlier run: adds what is new, fixed and not re-measured.

    Raises:
        InvalidValueError: if `source` is neither a job nor a dataset.
    """
    dataset = as_dataset(source).latest()
    cells, tasks = coverage_records(dataset.coverage), task_records(dataset.tasks)
    info = severity_info(finding_records(dataset.findings), cells, tasks)
    sections = [
        ["# Summary", severity_text(info)],
        ["## Models", _models(summarize_models(dataset)), _RATES],
        ["## Most frequent rules", _rules(dataset)],
        ["## Most frequent weaknesses", _weaknesses(dataset)],
        ["## Not measured", *_gaps(find_gaps(cells, tasks), told=bool(cells or tasks))],
    ]
    if comparison is not None:
        sections.insert(1, ["## Compared with the earlier run", *_changes(comparison)])
    return "\n\n".join(part for section in sections for part in section) + "\n"


def markdown_code(text: str, limit: int = MOST_LETTERS) -> str:
    """Return untrusted text as a code span of one line that can stand in a table; an empty one is a dash."""
    shown = shorten(visible(text, one_line=True).strip(), limit)
    if not shown:
        return NONE
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(shown)), default=0))
    # A backslash before a bar would undo the one that is put there.
    shown = shown.replace("\\|", "\\ |").replace("|", "\\|")
    room = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{room}{shown}{room}{fence}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """Return a table; its last `numbers` columns are numbers."""
    if not rows:
        return "None."
    lines = [heads, ["---"] * (len(heads) - numbers) + ["--:"] * numbers, *rows[:MOST_ROWS]]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    more = len(rows) - MOST_ROWS
    return table + (f"\n\n... and {more:,} more." if more > 0 else "")


def _models(models: Iterable[ModelSummary]) -> str:
    heads = ["Model", "Apps", "Measured", "Partly", "Not", "Findings", *(str(level) for level in Severity)]
    heads += ["Per app", "Per 1,000 lines"]
    rows = [
        [
            markdown_code(each.model),
            f"{each.apps:,}",
            f"{each.states[CellState.MEASURED]:,}",
            f"{each.states[CellState.PARTLY]:,}",
            f"{each.states[CellState.NOT_MEASURED]:,}",
            _count(each, each.findings),
            *(_count(each, each.severities[level]) for level in Severity),
            _rate(each.per_app),
            _rate(each.per_kloc),
        ]
        for each in models
    ]
    return _table(heads, rows, numbers=len(heads) - 1)


def _count(summary: ModelSummary, count: int | None) -> str:
    if summary.findings is None or count is None:
        return NONE
    return ("≥ " if summary.is_lower_bound else "") + f"{count:,}"


def _rate(rate: float | None) -> str:
    return NONE if rate is None else f"{rate:,.2f}"


def _rules(dataset: Dataset) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    apps: defaultdict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    worst: dict[tuple[str, str], Severity] = {}
    for row in Rows(dataset.findings):
        key, level = (row["tool"], row["rule"]), Severity(row["severity"])
        counts[key] += 1
        apps[key].add((row["model"], row["app_num"]))
        worst[key] = min(worst.get(key, level), level, key=SEVERITY_RANK.__getitem__)
    rows = [
        [markdown_code(key[0]), markdown_code(key[1]), str(worst[key]), f"{count:,}", f"{len(apps[key]):,}"]
        for key, count in _ranked(counts)
    ]
    return _table(["Tool", "Rule", "Worst", "Findings", "Apps"], rows, numbers=2)


def _weaknesses(dataset: Dataset) -> str:
    counts: Counter[int] = Counter()
    apps: defaultdict[int, set[tuple[str, int]]] = defaultdict(set)
    for row in Rows(dataset.findings.dropna(subset="cwe")):
        counts[row["cwe"]] += 1
        apps[row["cwe"]].add((row["model"], row["app_num"]))
    rows = [
        [markdown_code(cwe_tree.title(cwe)), f"{count:,}", f"{len(apps[cwe]):,}"]
        for cwe, count in _ranked(counts)
    ]
    return _table(["Weakness", "Findings", "Apps"], rows, numbers=2)


def _ranked(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _gaps(gaps: Iterable[Gap], *, told: bool) -> list[str]:
    found = list(gaps)
    skipped = sum(not gap.applicable for gap in found)
    if not told:
        return ["No tool said what it read: nothing here counts as clean."]
    rows = [
        [
            markdown_code(group.tool) if group.tool else "all",
            markdown_code(group.analysis_type),
            group.word,
            ", ".join(f"{markdown_code(model)} {numbers}" for model, numbers in group.apps.items()),
            markdown_code("; ".join(group.details)),
            f"{group.count:,}",
        ]
        for group in gap_groups(found)
    ]
    parts = [_table(["Tool", "Analysis", "What happened", "Where", "Why", "Apps"], rows, numbers=1)]
    if skipped:
        parts.append(f"Not applicable, which is no fault: {plural(skipped, 'case')}.")
    return parts


def _changes(comparison: Comparison) -> list[str]:
    changes = [str(change) for change in Change]
    rows = [
        [markdown_code(row["model"]), *(f"{row[change]:,}" for change in changes)]
        for row in Rows(comparison.counts)
    ]
    parts = [_table(["Model", *changes], rows, numbers=len(changes))]
    parts += [f"Note: {markdown_code(note)}" for note in comparison.notes]
    for change in (Change.NEW, Change.FIXED):
        parts += [f"### {str(change).capitalize()}", _listed(comparison, change)]
    parts.append(
        f"Not re-measured: {plural(comparison.totals[Change.NOT_REMEASURED], 'finding')}."
        " What nobody looked at again may still be there, and does not count as fixed."
    )
    return parts


def _listed(comparison: Comparison, change: Change) -> str:
    frame = comparison.frame[comparison.frame["state"] == str(change)]
    found = sorted(Rows(frame), key=lambda row: SEVERITY_RANK[Severity(row["severity"])])
    rows = [
        [
            row["severity"],
            markdown_code(row["model"]),
            str(row["app_num"]),
            markdown_code(f"{row['tool']}:{row['rule']}"),
            markdown_code(_place(row)),
            markdown_code(row["message"]),
        ]
        for row in found
    ]
    return _table(["Severity", "Model", "App", "Rule", "Where", "What"], rows)


def _place(row: dict[str, Any]) -> str:
    path, line = row["path_after"], row["line_after"]
    if path is None:
        path, line = row["path_before"], row["line_before"]
    return path if line is None else f"{path}:{line}"
