"""The charts of a comparison of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.results.drawing.grid_figure import grid_figure
from batchnb.results.models.interval_figure import intervals_figure
from batchnb.results.models.intervals import forest_info, rates_info
from batchnb.results.models.rank_chart import ranks_info
from batchnb.results.models.rule_chart import shares_figure, shares_info

if TYPE_CHECKING:
    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.models.comparison import ModelComparison


def rate_chart(comparison: ModelComparison, *, per: str = "app") -> Figure:
    """Return the rate of each model, per app or per 1,000 lines (`per="kloc"`), with its interval.

    Raises:
        UnknownNameError: for another unit.
        ImportError: if plotly is not installed.
    """
    return intervals_figure(rates_info(comparison, per=per))


def forest_chart(comparison: ModelComparison) -> Figure:
    """Return the forest plot: the difference of every two models with its interval.

    Raises:
        ImportError: if plotly is not installed.
    """
    return intervals_figure(forest_info(comparison))


def rank_chart(comparison: ModelComparison) -> Figure:
    """Return the ranks with their uncertainty: how often each model takes each rank in resampled blocks.

    Raises:
        ImportError: if plotly is not installed.
    """
    return grid_figure(ranks_info(comparison))


def rule_share_chart(comparison: ModelComparison) -> Figure:
    """Return each rule's share of the findings and of the apps, and which rules the ranking hangs on.

    Raises:
        ImportError: if plotly is not installed.
    """
    return shares_figure(shares_info(comparison))
