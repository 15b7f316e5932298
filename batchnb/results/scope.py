"""Which rows of a dataset's frames belong to a choice of jobs, models, apps, analyses and tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from batchnb.records import parse_app_range
from batchnb.records.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from batchnb.records.portfolio import Apps


class Scope:
    """The names that occur in a dataset, and the rows that carry them."""

    def __init__(self, frames: Mapping[str, pd.DataFrame], models: Sequence[str]) -> None:
        """Look at the frames of a dataset, and its models; nothing is copied."""
        self._frames = frames
        self._models = models

    def masks(
        self,
        *,
        jobs: Sequence[int] | None,
        models: Sequence[str] | None,
        apps: Apps,
        analyses: Sequence[str] | None,
        tools: Sequence[str] | None,
    ) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return frame name -> which of its rows belong to the choice; see Dataset.select."""
        chosen: dict[str, Sequence[Any] | None] = {
            "job_id": jobs,
            "model": models,
            "analysis_type": analyses,
            "tool": tools,
        }
        for column, values in chosen.items():
            self._require_known(column, values)
        masks = {name: np.ones(len(frame), dtype=bool) for name, frame in self._frames.items()}
        for name, frame in self._frames.items():
            for column, values in chosen.items():
                if values is not None and column in frame.columns:
                    masks[name] &= frame[column].isin(list(values)).to_numpy(dtype=bool)
            if apps is not None and "app_num" in frame.columns:
                masks[name] &= self._of_apps(frame, apps)
        return masks

    def excluded(
        self, findings: pd.DataFrame, rules: Sequence[str], tags: Sequence[str]
    ) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which findings carry one of the rules or marks that do not count."""
        out = np.zeros(len(findings), dtype=bool)
        if rules:
            full = self._frames["findings"]
            named = full["tool"].astype(str) + ":" + full["rule"].astype(str)
            known = {*full["rule"].dropna().unique(), *named.unique()}
            for rule in rules:
                if rule not in known:
                    raise UnknownNameError("rule", rule, sorted(known))
            names = findings["tool"].astype(str) + ":" + findings["rule"].astype(str)
            out |= (findings["rule"].isin(list(rules)) | names.isin(list(rules))).to_numpy(dtype=bool)
        if tags:
            wanted = frozenset(tags)
            out |= findings["tags"].map(lambda text: not wanted.isdisjoint(text.split())).to_numpy(dtype=bool)
        return out

    def _require_known(self, column: str, values: Iterable[Any] | None) -> None:
        if values is None:
            return
        known = set(self._models) if column == "model" else self._values(column)
        for value in values:
            if value not in known:
                what = {"job_id": "job", "analysis_type": "analysis"}.get(column, column)
                raise UnknownNameError(what, value, map(str, sorted(known)))

    def _values(self, column: str) -> set[Any]:
        found: set[Any] = set()
        for frame in self._frames.values():
            if column in frame.columns:
                found |= set(frame[column].dropna().unique())
        return found

    def _of_apps(self, frame: pd.DataFrame, apps: Apps) -> np.ndarray[Any, np.dtype[np.bool_]]:
        if not hasattr(apps, "items"):
            every: np.ndarray[Any, np.dtype[np.bool_]] = (
                frame["app_num"].isin(_numbers(apps)).to_numpy(dtype=bool)
            )
            return every
        per_model: Mapping[str, Any] = apps  # type: ignore[assignment] # it has items()
        self._require_known("model", per_model)
        mask: np.ndarray[Any, np.dtype[np.bool_]] = np.zeros(len(frame), dtype=bool)
        for model, wanted in per_model.items():
            mask |= (frame["model"].eq(model) & frame["app_num"].isin(_numbers(wanted))).to_numpy(dtype=bool)
        return mask


def _numbers(apps: Any) -> list[int]:
    return list(parse_app_range(apps)) if isinstance(apps, str) else [int(number) for number in apps]
