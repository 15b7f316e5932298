"""How much of the findings each rule makes up, and whether the ranking of the models hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from batchnb.results.columns import Column
from batchnb.results.frames import make_frame
from batchnb.results.models.cells import Counting, read_cells
from batchnb.results.models.stats import advantages

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from batchnb.results.models.cells import Cells, Numbers

RULE_SHARES = (
    Column("tool", "category", "Tool that reported it"),
    Column("rule", "string", "The tool's own rule id"),
    Column("findings", "Int64", "Findings of the rule, in the apps that are compared"),
    Column("share", "Float64", "Its share of all findings in them, 0 to 1"),
    Column("apps", "Int64", "Apps in which it fires"),
    Column("apps_share", "Float64", "Share of the compared apps in which it fires; at 1 it fires everywhere"),
    Column("models", "Int64", "Models in whose apps it fires"),
    Column("order_changes", "boolean", "Whether two models change places without it; missing: no ranking"),
    Column(
        "order_without",
        "string",
        "The ranking without it, fewest reported per app first; missing: no ranking",
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Share:
    tool: str
    rule: str
    findings: int
    share: float
    apps: int
    apps_share: float
    models: int
    order_changes: bool | None
    order_without: str | None


def rule_shares(
    source: object,
    *,
    without_rules: Sequence[str] = (),
    without_tags: Sequence[str] = (),
    severity: str | None = None,
) -> pd.DataFrame:
    """Return one row per rule, the most frequent first, with what the ranking of models would be without it.

    Args:
        source: a Job or a Dataset.
        without_rules: rules that do not count, such as `"B104"` or `"bandit:B104"`.
        without_tags: marks of findings that do not count, such as `"noise"`.
        severity: count only this severity.

    Raises:
        InvalidValueError: if `source` is neither.
        UnknownNameError: if a rule does not occur, or there is no such severity.
    """
    counting = Counting(severity=severity, without_rules=without_rules, without_tags=without_tags)
    return rules_frame(read_cells(source, counting))


def rules_frame(cells: Cells) -> pd.DataFrame:
    """Return one row per rule that fires in the compared apps, the most frequent first: `RULE_SHARES`."""
    found = cells.found
    found = found[cells.usable[found["model"], found["block"]]]
    if not len(found):
        return make_frame(RULE_SHARES, [])
    counts = found.groupby("rule").size()
    apps = found.drop_duplicates(["rule", "model", "block"]).groupby("rule")
    spread, models = apps.size(), apps["model"].nunique()
    lost = _lost(cells)
    usable = int(cells.usable.sum())
    rows = []
    for name in sorted(counts.index, key=lambda rule: (-counts[rule], rule)):
        tool, _, rule = name.partition(":")
        changes, order = _order_without(cells, lost.get(name))
        rows.append(
            _Share(
                tool=tool,
                rule=rule,
                findings=int(counts[name]),
                share=float(counts[name] / len(found)),
                apps=int(spread[name]),
                apps_share=float(spread[name] / usable),
                models=int(models[name]),
                order_changes=changes,
                order_without=order,
            )
        )
    return make_frame(RULE_SHARES, rows)


def _lost(cells: Cells) -> dict[str, Numbers]:
    """Return for each rule what each cell's count loses without it.

    A consensus finding is lost only with the rule that alone reports it.
    """
    found = cells.found
    alone = found.groupby("unit")["rule"].transform("nunique") == 1
    units = found[alone].drop_duplicates("unit")
    place = units["model"] * len(cells.numbers) + units["block"]
    return {
        str(rule): np.bincount(places, minlength=cells.counts.size).reshape(cells.counts.shape)
        for rule, places in place.groupby(units["rule"])
    }


def _order_without(cells: Cells, lost: Numbers | None) -> tuple[bool | None, str | None]:
    shared = cells.usable & (cells.usable.sum(axis=0) > 1)
    ranked = np.flatnonzero(shared.any(axis=1))
    if len(ranked) < 2:
        return None, None
    usable, counts = shared[ranked], cells.counts[ranked]
    before = advantages(counts, usable)[0]
    without = before if lost is None else advantages(counts - lost[ranked], usable)[0]
    swapped = (before[:, None] < before[None, :]) & (without[:, None] > without[None, :])
    return bool(np.any(swapped)), order_text([cells.models[row] for row in ranked], without)


def order_text(names: Sequence[str], values: Numbers) -> str:
    """Return a ranking such as `a < b = c`, the least first."""
    text, last = "", None
    for place in sorted(range(len(names)), key=lambda n: (values[n], names[n])):
        sign = "" if last is None else " = " if values[place] == values[last] else " < "
        text, last = f"{text}{sign}{names[place]}", place
    return text
