"""Models compared: what each one's apps have reported, on the same tasks, with how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError
from batchnb.results.models.cells import Counting, read_cells
from batchnb.results.models.pairs import pairs_frame
from batchnb.results.models.ranks import ranks_frames
from batchnb.results.models.rates import rates_frame
from batchnb.results.models.rules import rules_frame
from batchnb.results.models.text import Compared, comparison_text
from batchnb.results.models.weaknesses import weaknesses_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from batchnb.results.models.cells import Cells

_RESAMPLES = (999, 1_000_000)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True, repr=False)
class ModelComparison:
    """Models side by side. Apps with the same number are one block; a count is no measure of security.

    `describe_columns` explains the frames: model_rates, model_pairs, model_ranks, rank_chances, rule_shares.
    """

    rates: pd.DataFrame
    """One row per model: reported per app and per 1,000 lines, and how far its apps were measured."""
    pairs: pd.DataFrame
    """One row per two models: the paired difference, its interval, test and effect size."""
    ranks: pd.DataFrame
    """One row per model, the fewest reported first."""
    rank_chances: pd.DataFrame
    """One row per model and rank: how often it takes this rank in resampled blocks."""
    rules: pd.DataFrame
    """One row per rule: its share of the findings, and whether the ranking changes without it."""
    cells: Cells
    """The counts behind it all, per model and block."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models, by name."""
        return self.cells.models

    @property
    def text(self) -> str:
        """The comparison in plain words, with what is to be kept in mind; it quotes untrusted names."""
        frames = {name: getattr(self, name) for name in ("rates", "pairs", "ranks", "rules")}
        return comparison_text(Compared(cells=self.cells, **frames))

    def weaknesses(self, first: str, second: str) -> pd.DataFrame:
        """Return which weaknesses (CWE) are reported in more apps of one of two models (McNemar, Holm).

        Raises:
            UnknownNameError: if a model is not among those compared.
            InvalidValueError: if both are the same.
        """
        if first == second:
            raise InvalidValueError("second", second, "another model than the first")
        return weaknesses_frame(self.cells, first, second)

    def __repr__(self) -> str:
        """Say it in words."""
        return self.text


def compare_models(  # noqa: PLR0913 - what a user may choose, each by its name
    source: object,
    *,
    models: Sequence[str] | None = None,
    count: str = "findings",
    severity: str | None = None,
    without_rules: Sequence[str] = (),
    without_tags: Sequence[str] = ("noise",),
    use_partly: bool = False,
    with_placeholders: bool = False,
    resamples: int = 9_999,
    seed: int = 0,
) -> ModelComparison:
    """Compare models by what was reported in their apps, app number by app number.

    Only apps that every tool read completely are compared; the others are shown, and never taken for 0.
    Tools and analyses that measured no app at all are left aside, and named.

    Args:
        source: a Job or a Dataset; of several jobs each app and analysis as the newest has it.
        models: the models to compare; None: all.
        count: `"findings"`, or `"consensus"`: one fault that several tools report counts once.
        severity: count only this one, such as `"high"`.
        without_rules: rules that do not count, such as `"B104"` or, of one tool, `"bandit:B104"`.
        without_tags: marks of findings that do not count. A rule marked `noise` fires in nearly every app.
        use_partly: also use apps that were measured in part, with counts that are lower bounds.
        with_placeholders: also use apps in which there is (almost) nothing to analyse.
        resamples: how often apps are drawn, and models exchanged where there are too many ways to try all.
        seed: makes the result repeatable.

    Raises:
        InvalidValueError: if `source` has no dataset or fewer than two models, or `resamples` is wrong.
        UnknownNameError: if a model, rule, severity or thing to count does not exist.
    """
    counting = Counting(
        count=count,
        severity=severity,
        without_rules=without_rules,
        without_tags=without_tags,
        use_partly=use_partly,
        with_placeholders=with_placeholders,
    )
    for what, value, low, high in (("resamples", resamples, *_RESAMPLES), ("seed", seed, 0, 2**32 - 1)):
        if type(value) is not int or not low <= value <= high:
            raise InvalidValueError(what, value, f"a whole number from {low:,} to {high:,}")
    if isinstance(models, str):
        raise InvalidValueError("models", models, f"a list of names, such as [{models!r}]")
    cells = read_cells(source, counting, models)
    if len(cells.models) < 2:
        raise InvalidValueError(
            "models", ", ".join(cells.models), "at least two models to compare", "the dataset"
        )
    ranks, chances = ranks_frames(cells, resamples=resamples, seed=seed)
    return ModelComparison(
        rates=rates_frame(cells, resamples=resamples, seed=seed),
        pairs=pairs_frame(cells, resamples=resamples, seed=seed),
        ranks=ranks,
        rank_chances=chances,
        rules=rules_frame(cells),
        cells=cells,
    )
