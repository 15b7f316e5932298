"""The results and the coverage of a report, as data inside it that can be read back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError, ReportError
from batchnb.results.sarif.frame_json import frame_from_json, frame_to_json

if TYPE_CHECKING:
    import os

    import pandas as pd

    from batchnb.results.dataset import Dataset

_FRAMES = ("results", "coverage")
_ELEMENT = re.compile(r'<script type="application/json" id="report-data">(.*?)</script>', re.DOTALL)


def data_json(dataset: Dataset) -> str:
    """Return the results and the coverage as JSON."""
    frames = {name: frame_to_json(dataset.frames[name]) for name in _FRAMES}
    return json.dumps(frames, allow_nan=False)


def report_frames(path: str | os.PathLike[str]) -> dict[str, pd.DataFrame]:
    """Return the frames `results` and `coverage` that are in a report, with their dtypes.

    Raises:
        InvalidValueError: if the file cannot be read, or is no report.
        ReportError: if a value is none that its column can have.
    """
    allowed = "a report that batchnb wrote"
    try:
        found = _ELEMENT.findall(Path(path).read_text(encoding="utf-8"))
        data = json.loads(found[-1]) if found else None
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidValueError("report path", str(path), f"{allowed} ({error})") from error
    if not isinstance(data, dict):
        raise InvalidValueError("report path", str(path), allowed)
    missing = [name for name in _FRAMES if name not in data]
    if missing:
        raise ReportError(f"the report {str(path)!r} has no {', '.join(missing)}")
    return {name: frame_from_json(name, data[name]) for name in _FRAMES}
