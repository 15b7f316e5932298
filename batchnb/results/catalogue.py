"""Every frame that a user meets, by name, and the documentation of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from batchnb.records.errors import UnknownNameError
from batchnb.results.columns import FRAMES
from batchnb.results.decisions.decision_states import TRIAGE_DECISIONS
from batchnb.results.decisions.triage import VERDICT_COUNTS
from batchnb.results.identity.agreement import AGREEMENT
from batchnb.results.identity.comparison import COMPARISON, COUNTS
from batchnb.results.identity.consensus import CONSENSUS
from batchnb.results.models.pairs import MODEL_PAIRS
from batchnb.results.models.ranks import MODEL_RANKS, RANK_CHANCES
from batchnb.results.models.rates import MODEL_RATES
from batchnb.results.models.rules import RULE_SHARES
from batchnb.results.models.systemic import SYSTEMIC
from batchnb.results.models.weaknesses import MODEL_WEAKNESSES
from batchnb.results.states import APP_STATES, CELL_STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.results.columns import Column

ALL_FRAMES: Mapping[str, tuple[Column, ...]] = {
    **FRAMES,
    "consensus": CONSENSUS,
    "agreement": AGREEMENT,
    "comparison": COMPARISON,
    "comparison_counts": COUNTS,
    "triage_decisions": TRIAGE_DECISIONS,
    "verdict_counts": VERDICT_COUNTS,
    "app_states": APP_STATES,
    "cell_states": CELL_STATES,
    "model_rates": MODEL_RATES,
    "model_pairs": MODEL_PAIRS,
    "model_ranks": MODEL_RANKS,
    "rank_chances": RANK_CHANCES,
    "rule_shares": RULE_SHARES,
    "model_weaknesses": MODEL_WEAKNESSES,
    "systemic": SYSTEMIC,
}
"""Frame name -> its columns, in order."""


def describe_columns(frame: str) -> pd.DataFrame:
    """Return the documentation of a frame: one row per column with `name`, `dtype` and `doc`.

    Args:
        frame: its name, such as findings, coverage, consensus, comparison or model_rates.

    Raises:
        UnknownNameError: if there is no such frame.
    """
    if frame not in ALL_FRAMES:
        raise UnknownNameError("frame", frame, ALL_FRAMES)
    columns = ALL_FRAMES[frame]
    return pd.DataFrame(
        {
            "name": [column.name for column in columns],
            "dtype": [column.dtype_text for column in columns],
            "doc": [column.doc for column in columns],
        }
    )
