"""A comparison of models in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.results.models.stats import ALPHA, FEW
from batchnb.results.text import plural
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.results.models.cells import Cells

_MOST = 12
"""Pairs that are told one by one."""
FEWER = "Fewer reported is not fewer faults: it may also be less code, or code that tools do not understand."
_CAVEATS = (
    FEWER,
    "Intervals and tests say how sure the counts are, not how right the tools are.",
    "Tools differ: each finds more in some languages and frameworks than in others.",
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Compared:
    """The frames of a comparison, and the cells behind them."""

    cells: Cells
    rates: pd.DataFrame
    pairs: pd.DataFrame
    ranks: pd.DataFrame
    rules: pd.DataFrame


def comparison_text(comparison: Compared) -> str:
    """Return the comparison in words, one statement a line; it quotes untrusted names."""
    return "\n".join(visible(line, one_line=True) for line in _lines(comparison))


def _lines(comparison: Compared) -> Iterator[str]:
    cells = comparison.cells
    yield (
        f"{plural(len(cells.models), 'model')} on {plural(len(cells.numbers), 'block')} "
        f"(apps with the same number). Counted: {cells.counting.noun}."
    )
    yield from cells.notes
    for row in comparison.rates.to_dict("records"):
        yield rate_text(row)
    yield from _pairs(comparison.pairs)
    yield from _ranking(comparison)
    yield from _hanging(comparison.rules)
    yield from _caveats(comparison)


def rate_text(row: Any) -> str:
    """Return a model's rates, and how far it was measured."""
    states = ("measured", "partly_measured", "not_measured", "not_applicable")
    told = ", ".join(f"{row[name]} {name.replace('_', ' ')}" for name in states if row[name])
    extra = [
        plural(row["placeholders"], "placeholder") if row["placeholders"] else "",
        plural(row["failed_tasks"], "failed task") if row["failed_tasks"] else "",
    ]
    told = "; ".join(part for part in (told, *extra) if part)
    if pd.isna(row["per_app"]):
        return f"{row['model']}: no app can be compared ({plural(row['apps'], 'app')}: {told})."
    size = ""
    if pd.notna(row["per_kloc"]):
        size = f", {row['per_kloc']:.1f} per 1,000 lines{_range(row['per_kloc_low'], row['per_kloc_high'])}"
    bounds = ""
    if row["per_app_least"] != row["per_app_most"]:
        bounds = (
            f" With what was not measured it could be {row['per_app_least']:.1f} to "
            f"{row['per_app_most']:.1f} per app."
        )
    note = f" ({row['note']})" if row["note"] else ""
    return (
        f"{row['model']}: {row['per_app']:.1f} per app{_range(row['per_app_low'], row['per_app_high'])}"
        f"{size}, from {row['used']} of {plural(row['apps'], 'app')} ({told}){note}.{bounds}"
    )


def _range(low: Any, high: Any) -> str:
    return "" if pd.isna(low) else f" (95 % interval {low:.1f} to {high:.1f})"


def pair_text(row: Any) -> str:
    """Return what is known about two models."""
    names = f"{row['first']} and {row['second']}"
    left_out = f"; {plural(row['left_out'], 'block')} left out: {row['why']}" if row["left_out"] else ""
    if not row["blocks"]:
        return f"{names}: no block was measured in both{left_out}."
    verdict = "not told apart"
    if row["p_holm"] < ALPHA:
        fewer = row["first"] if row["difference"] < 0 else row["second"]
        verdict = f"fewer reported for {fewer}"
    return (
        f"{names}: {verdict}; difference {row['difference']:+.1f} per app{_range(row['low'], row['high'])}, "
        f"p {p_text(row['p'])}, corrected {p_text(row['p_holm'])}, "
        f"rank-biserial {row['rank_biserial']:+.2f}, {plural(row['blocks'], 'block')}{left_out}."
    )


def p_text(value: float) -> str:
    """Return a p value as one reads it."""
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def _pairs(pairs: pd.DataFrame) -> Iterator[str]:
    ordered = pairs.sort_values(["p_holm", "p"], kind="stable")  # what was not tested comes last
    tested, told_apart = int(pairs["p"].notna().sum()), int((pairs["p_holm"] < ALPHA).sum())
    yield (
        f"{plural(len(pairs), 'pair')}: {told_apart} told apart at the level of {ALPHA:.2f} "
        f"(paired permutation test, Holm's correction for {plural(tested, 'pair')})."
    )
    for row in ordered.head(_MOST).to_dict("records"):
        yield pair_text(row)
    if len(ordered) > _MOST:
        yield f"And {plural(len(ordered) - _MOST, 'more pair')}."


def _ranking(comparison: Compared) -> Iterator[str]:
    ranks = comparison.ranks[comparison.ranks["rank"].notna()]
    if not len(ranks):
        yield "There is no ranking: no two models share an app number that was measured in both."
        return
    named = ", ".join(f"{row['model']} {_rank(row)}" for row in ranks.to_dict("records"))
    yield f"Fewest reported first, by the differences on the blocks that each two models share: {named}."
    if ranks["note"].iloc[0]:
        yield f"How sure this ranking is cannot be said: {ranks['note'].iloc[0]}."
    sized = comparison.rates[comparison.rates["per_kloc"].notna()].sort_values("per_kloc", kind="stable")
    by_app = comparison.rates.loc[sized.index].sort_values("per_app", kind="stable")
    if list(sized.index) != list(by_app.index):
        yield f"Per 1,000 lines of code the order is another one: {', '.join(map(str, sized['model']))}."


def _rank(row: Any) -> str:
    return f"{row['rank']:g}" + (
        "" if pd.isna(row["rank_low"]) else f" (rank {row['rank_low']} to {row['rank_high']})"
    )


def _hanging(rules: pd.DataFrame) -> Iterator[str]:
    if len(rules):
        top = rules.iloc[0]
        yield (
            f"The most frequent rule, {top['rule']} of {top['tool']}, makes up {top['share']:.0%} of the "
            f"findings and fires in {top['apps_share']:.0%} of the apps."
        )
    swapping = rules[rules["order_changes"].fillna(False)]  # noqa: FBT003 - the value
    if len(swapping):
        names = ", ".join(f"{row['rule']} ({row['tool']})" for row in swapping.head(_MOST).to_dict("records"))
        yield f"The ranking hangs on single rules; without one of these, models change places: {names}."


def _caveats(comparison: Compared) -> Iterator[str]:
    pairs = comparison.pairs
    blocks = pairs["blocks"].min()
    tested = pairs[pairs["p"].notna()]
    hopeless = int((tested["p_smallest"] * len(tested) >= ALPHA).sum())
    if hopeless:
        least = float(tested["p_smallest"].max())
        yield (
            f"Few blocks: with {tested['blocks'].min()} of them p cannot be below {least:.3g} whatever the "
            f"counts are, and it is corrected for {plural(len(tested), 'pair')}; {plural(hopeless, 'pair')} "
            "could not be told apart even if every block said the same."
        )
    if blocks < FEW:
        yield (
            f"With fewer than {FEW} apps an interval is rather too narrow: with 5 it holds the truth about 9 "
            "times in 10, not 95 in 100."
        )
    if (pairs["left_out"] > 0).any():
        yield "What was not measured in both models is left out of a pair; if not by chance, it misleads."
    if comparison.cells.counting.use_partly:
        yield "Apps that were measured in part are used, though their counts are lower bounds."
    yield from _CAVEATS
