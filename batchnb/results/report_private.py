"""What a report must not tell of the computer that it was made on: secrets, and the user's home."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchnb.results.provenance import without_secrets
from batchnb.tools.log.redaction import redact

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.results.dataset import Dataset

_TEXTS = {"coverage": ("detail", "stderr_tail"), "tasks": ("error_message",), "results": ("details",)}
"""The columns in which a tool, or an error, can say it. What a finding quotes is the app's own, and stays."""


def without_private(dataset: Dataset) -> Dataset:
    """Return a dataset in whose messages and provenance `~` stands for the home, and no secret is known."""
    frames = {
        name: frame.assign(**{column: clean_texts(frame[column]) for column in _TEXTS[name]})
        for name, frame in dataset.frames.items()
        if name in _TEXTS
    }
    return replace(dataset, **frames, provenance=_cleaned(without_secrets(dict(dataset.provenance))))


def clean_texts(values: pd.Series) -> pd.Series:
    """Return a column of texts without what looks like a secret, and `~` for the user's home."""
    cleaned = {text: _clean(text) for text in values.dropna().unique()}
    return values.map(cleaned).astype(values.dtype)


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
