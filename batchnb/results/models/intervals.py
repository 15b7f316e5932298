"""What the charts of values with intervals say, as plain data: rates of models, differences of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from batchnb.records.errors import UnknownNameError
from batchnb.results.models.stats import ALPHA
from batchnb.results.models.text import FEWER, p_text, pair_text, rate_text
from batchnb.results.text import plural

if TYPE_CHECKING:
    from batchnb.results.models.comparison import ModelComparison

RATES = {"app": "per app", "kloc": "per 1,000 lines"}
MOST_PAIRS, MOST_MODELS = 40, 40


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalRow:
    """One value with its interval. The texts are untrusted."""

    label: str
    detail: str
    """What stands under the label, in short."""
    value: float | None = None
    """None: nothing was measured, so the row is hatched."""
    low: float | None = None
    high: float | None = None
    least: float | None = None
    """The wider range that what was not measured leaves open."""
    most: float | None = None
    is_clear: bool = False
    """Whether the difference is more than chance, after the correction."""
    hover: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class IntervalsInfo:
    """What a chart of values with intervals says."""

    title: str
    """Our own text, as is the next."""
    axis: str
    rows: tuple[IntervalRow, ...]
    summary: tuple[str, ...]
    """The chart in sentences. Untrusted text."""
    notes: tuple[str, ...] = ()
    """What stands below the chart. Untrusted text."""
    is_difference: bool = False
    """Whether the values are differences, so that 0 is drawn and clear ones are told apart."""


def intervals_text(info: IntervalsInfo) -> str:
    """Return the chart in words; it quotes untrusted names."""
    return " ".join((f"{info.title}.", *info.summary, *info.notes))


def rates_info(comparison: ModelComparison, *, per: str = "app") -> IntervalsInfo:
    """Return what is reported per app, or per 1,000 lines of code (`per="kloc"`), of each model.

    Raises:
        UnknownNameError: for another unit.
    """
    if per not in RATES:
        raise UnknownNameError("per", per, RATES)
    column, counted = f"per_{per}", comparison.cells.counting.noun
    rates = comparison.rates.assign(order=comparison.rates[column].fillna(float("inf")))
    rates = rates.sort_values(["order", "model"], kind="stable")
    rows = [_rate_row(row, column) for row in rates.head(MOST_MODELS).to_dict("records")]
    return IntervalsInfo(
        title=f"{counted.capitalize()} {RATES[per]} (fewer reported first)",
        axis=f"{counted} {RATES[per]}",
        rows=tuple(rows),
        summary=tuple(rate_text(row) for row in rates.head(MOST_MODELS).to_dict("records")),
        notes=(*comparison.cells.notes, *_more(len(rates) - MOST_MODELS, "model"), FEWER),
    )


def _rate_row(row: Any, column: str) -> IntervalRow:
    value = _number(row[column])
    detail = f"{row['used']} of {plural(row['apps'], 'app')} used"
    states = [(row[name], name.replace("_", " ")) for name in ("partly_measured", "not_measured")]
    states += [(row["not_applicable"], "not applicable"), (row["placeholders"], "placeholder")]
    detail += "".join(f", {count} {what}" for count, what in states if count)
    by_app = column == "per_app"
    return IntervalRow(
        label=str(row["model"]),
        detail=detail if value is not None else f"nothing to compare: {detail}",
        value=value,
        low=_number(row[f"{column}_low"]),
        high=_number(row[f"{column}_high"]),
        least=_number(row["per_app_least"]) if by_app else None,
        most=_number(row["per_app_most"]) if by_app else None,
        hover=(str(row["model"]), *_sentences(rate_text(row))),
    )


def forest_info(comparison: ModelComparison) -> IntervalsInfo:
    """Return the difference of every two models, with its interval; the clearest first."""
    pairs = comparison.pairs.assign(order=comparison.pairs["p_holm"].fillna(2.0))
    pairs = pairs.sort_values(["order", "p"], kind="stable").head(MOST_PAIRS)
    texts = tuple(pair_text(row) for row in pairs.to_dict("records"))
    left_out = comparison.pairs["left_out"]
    notes = [
        "Left of 0 the first named has fewer reported, right of 0 the second.",
        f"Told apart: p below {ALPHA} after Holm's correction. The intervals are not corrected.",
        *_more(len(comparison.pairs) - MOST_PAIRS, "pair"),
    ]
    if left_out.max() > 0:
        notes.append(
            "Blocks that were not measured in both models are left out; a row tells which when pointed at."
        )
    return IntervalsInfo(
        title=f"{comparison.cells.counting.noun.capitalize()} per app: difference of two models",
        axis="first minus second, per app",
        rows=tuple(_pair_row(row, text) for row, text in zip(pairs.to_dict("records"), texts, strict=True)),
        summary=texts,
        notes=(*notes, *comparison.cells.notes, FEWER),
        is_difference=True,
    )


def _pair_row(row: Any, text: str) -> IntervalRow:
    detail = f"{row['blocks']} of {row['blocks'] + row['left_out']} blocks"
    if row["blocks"]:
        detail += f"; {row['note']}" if pd.isna(row["low"]) and row["note"] else ""
        detail += f", p {p_text(row['p_holm'])} corrected, effect {row['rank_biserial']:+.2f}"
    else:
        detail += " measured in both"
    return IntervalRow(
        label=f"{row['first']} − {row['second']}",  # noqa: RUF001 - a minus sign is meant
        detail=detail,
        value=_number(row["difference"]),
        low=_number(row["low"]),
        high=_number(row["high"]),
        is_clear=bool(pd.notna(row["p_holm"]) and row["p_holm"] < ALPHA),
        hover=(f"{row['first']} minus {row['second']}", *_sentences(text)),
    )


def _sentences(text: str) -> list[str]:
    """Return a statement in pieces that a hover has room for."""
    return [piece for piece in text.partition(": ")[2].split("; ") if piece]


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _more(count: int, noun: str) -> list[str]:
    return [f"And {plural(count, f'more {noun}')}."] if count > 0 else []
