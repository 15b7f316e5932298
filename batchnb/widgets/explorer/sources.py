"""What the explorer is given: one source, and what it can be compared with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError
from batchnb.results.dataset import as_dataset

if TYPE_CHECKING:
    from batchnb.widgets.explorer.errands import Baselines

_MOST_BASELINES = 200


def require_source(source: object) -> None:
    """Raise InvalidValueError if `source` is neither a Job nor a Dataset."""
    if not hasattr(type(source), "dataset"):  # a job's own is not read yet: that can take seconds
        as_dataset(source)


def read_baselines(baseline: object) -> Baselines:
    """Return what can be compared with, as pairs of label and maker.

    Raises:
        InvalidValueError: if `baseline` is neither a Job, nor a Dataset, nor such pairs.
    """
    if isinstance(baseline, Iterable) and not isinstance(baseline, str):
        pairs = tuple(baseline)
        if len(pairs) <= _MOST_BASELINES and all(map(_is_pair, pairs)):
            return pairs
        allowed = f"at most {_MOST_BASELINES} pairs of a label and a function that returns a Job or a Dataset"
        raise InvalidValueError("baseline", f"{baseline!r:.80}", allowed)
    require_source(baseline)
    return ((f"{baseline!r:.100}", lambda: baseline),)


def _is_pair(pair: object) -> bool:
    return (
        isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str) and callable(pair[1])
    )
