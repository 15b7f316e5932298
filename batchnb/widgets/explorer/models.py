"""The comparison of the models of a dataset as notebook outputs: words first, then the charts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from batchnb.results.models.charts import forest_chart, rank_chart, rate_chart, rule_share_chart
from batchnb.results.models.comparison import compare_models
from batchnb.widgets.sinks import bundle_output, escape, html_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.results.dataset import Dataset
    from batchnb.results.drawing._plotly import Figure
    from batchnb.results.models.comparison import ModelComparison

_MOST_TEXT = 20_000
_PLOTLY = "application/vnd.plotly.v1+json"
_CHARTS: tuple[tuple[str, Callable[[ModelComparison], Figure]], ...] = (
    ("Reported per app", rate_chart),
    ("Differences of every two models", forest_chart),
    ("Ranks in resampled apps", rank_chart),
    ("Shares of the rules", rule_share_chart),
)


def compare_outputs(dataset: Dataset, without_rules: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """Compare the models and return outputs, in which everything untrusted is escaped. Takes seconds.

    Raises:
        InvalidValueError: if there are fewer than two models.
        UnknownNameError: if a rule does not occur.
    """
    comparison = compare_models(dataset, without_rules=without_rules)
    words = comparison.text
    lines = "".join(
        f"<p>{escape(line, 2_000)}</p>" for line in words[:_MOST_TEXT].split("\n") if line.strip()
    )
    return (
        html_output(f"<h4>Models compared</h4>{lines}", words),
        *(_chart(title, make, comparison) for title, make in _CHARTS),
    )


def _chart(
    title: str, make: Callable[[ModelComparison], Figure], comparison: ModelComparison
) -> dict[str, Any]:
    fallback = {"text/html": f"<p>{title}: the words above say what it shows.</p>", "text/plain": title}
    try:
        figure = json.loads(make(comparison).to_json())
    except ImportError as error:
        return html_output(f"<p>no chart: {escape(str(error))}</p>", str(error))
    config = {"displaylogo": False, "displayModeBar": False}
    return bundle_output({_PLOTLY: {**figure, "config": config}, **fallback})
