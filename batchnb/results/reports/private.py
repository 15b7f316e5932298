"""A dataset made fit for a report: nothing of the computer that made it, no name that nobody can see."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchnb.results.provenance import without_secrets
from batchnb.tools.log.redaction import redact
from batchnb.tools.text import visible

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.dataset import Dataset

_TEXTS = {"coverage": ("detail", "stderr_tail"), "tasks": ("error_message",), "results": ("details",)}
"""The columns in which a tool, or an error, can say it. What a finding quotes is the app's own, and stays."""


def presentable(dataset: Dataset) -> Dataset:
    """Return a dataset in whose messages and provenance `~` stands for the home, and no secret is known.

    Characters of names that cannot be seen are escapes, as they are in all other texts of a frame.
    """
    frames = {
        name: frame.assign(
            **{column: clean_texts(frame[column]) for column in _TEXTS.get(name, ())},
            **{column: _seen(frame[column]) for column in frame.select_dtypes("category")},
        )
        for name, frame in dataset.frames.items()
    }
    return replace(dataset, **frames, provenance=_cleaned(without_secrets(dict(dataset.provenance))))


def clean_texts(values: pd.Series) -> pd.Series:
    """Return a column of texts without what looks like a secret, and `~` for the user's home."""
    cleaned = {text: _clean(text) for text in values.dropna().unique()}
    return values.map(cleaned).astype(values.dtype)


def _seen(names: pd.Series) -> pd.Series:
    """Return names of which all can be seen, and encoded; pandas stumbles over half a character in one."""
    seen = {name: visible(str(name)) for name in names.cat.categories}
    if all(name == shown for name, shown in seen.items()):
        return names
    return names.astype(object).map(seen.__getitem__, na_action="ignore").astype("category")


def _clean(text: str) -> str:
    home = str(Path.home())
    if len(home) > 2:  # of somebody who has none it is the root, and that is in every path
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    return redact(text)


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {_clean(str(name)): _cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return _clean(value) if isinstance(value, str) else value
