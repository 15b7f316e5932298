"""What was said about each requirement of each app, and about which apps nothing was said."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from batchnb.records import AnalysisType
from batchnb.results.severity import CellState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.results.dataset import Dataset

METRIC = "requirement_met"
MET, NOT_MET, CANNOT_TELL, NOT_CHECKED = "met", "not met", "cannot tell", "not checked"
ALL = "all requirements"
"""The subject where no single requirement is known."""
Judge = tuple[str, str]
"""A model, and the tool that judged its apps."""
_App = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said about one requirement of one app."""

    kind: str
    """met, not met, cannot tell or not checked."""
    detail: str
    """Untrusted text, parts joined by ` | `."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdicts:
    """All of a dataset."""

    said: Mapping[_App, Mapping[str, Verdict]]
    """(model, tool, app) -> requirement -> what was said."""
    unchecked: Mapping[_App, str]
    """(model, tool, app) of which nothing was said -> why; untrusted text."""
    asked: Mapping[int, set[str]]
    """App number -> the requirements that some model's app of that number was asked about."""

    @property
    def judges(self) -> list[Judge]:
        """Models with the tools that judged them, sorted."""
        return sorted({(model, tool) for model, tool, _ in (*self.said, *self.unchecked)})

    @property
    def numbers(self) -> list[int]:
        """App numbers, sorted."""
        return sorted({number for *_, number in (*self.said, *self.unchecked)})

    @property
    def subjects(self) -> list[str]:
        """All requirements, in natural order."""
        return _ordered({subject for said in self.said.values() for subject in said})

    def subjects_of(self, judge: Judge) -> list[str]:
        """Return the requirements of a model's apps, those of unchecked apps too as far as they are known."""
        numbers = [number for *who, number in (*self.said, *self.unchecked) if tuple(who) == judge]
        return _ordered({subject for number in numbers for subject in self._subjects_at(judge, number)})

    def verdict(self, judge: Judge, number: int, subject: str) -> Verdict | None:
        """Return what was said; None: the app does not have that requirement, or does not exist."""
        app = (*judge, number)
        if app in self.unchecked:
            wanted = self._subjects_at(judge, number)
            is_asked = subject in wanted or wanted == {ALL}
            return Verdict(NOT_CHECKED, self.unchecked[app]) if is_asked else None
        return self.said.get(app, {}).get(subject)

    def of_app(self, judge: Judge, number: int) -> list[Verdict]:
        """Return everything said about one app."""
        found = (self.verdict(judge, number, each) for each in self._subjects_at(judge, number))
        return [verdict for verdict in found if verdict is not None]

    def _subjects_at(self, judge: Judge, number: int) -> set[str]:
        """Return the app's requirements; if it was not checked, those of that number in other models."""
        app = (*judge, number)
        if app in self.unchecked:
            return set(self.asked.get(number, ())) or {ALL}
        return set(self.said.get(app, {}))


def read_verdicts(dataset: Dataset) -> Verdicts:
    """Return the verdicts on requirements in a dataset, and the apps that were to be judged and were not."""
    rows = dataset.measurements[dataset.measurements["metric"] == METRIC]
    said: dict[_App, dict[str, Verdict]] = defaultdict(dict)
    columns = ("model", "tool", "app_num", "subject", "value", "samples", "detail")
    for model, tool, number, subject, value, samples, detail in zip(
        *(rows[name] for name in columns), strict=True
    ):
        said[str(model), str(tool), int(number)][str(subject)] = Verdict(_kind(value, samples), str(detail))
    kinds = {*rows["analysis_type"].unique(), str(AnalysisType.GPT4ALL)}
    judged = {(model, number) for model, _, number in said}
    tools: dict[str, set[str]] = defaultdict(set)
    for model, tool, _ in said:
        tools[model].add(tool)
    every = {tool for found in tools.values() for tool in found}
    unchecked = {}
    states = dataset.app_states(by_analysis=True)
    states = states[states["analysis_type"].isin(kinds) & (states["state"] != str(CellState.NOT_APPLICABLE))]
    for model, number, why in zip(states["model"], states["app_num"], states["reasons"], strict=True):
        if (model, number) not in judged:
            for tool in tools.get(model) or every or {""}:
                unchecked[str(model), tool, int(number)] = str(why).replace("\n", " | ")
    asked: dict[int, set[str]] = defaultdict(set)
    for (*_, number), each in said.items():
        asked[number] |= set(each)
    return Verdicts(said=dict(said), unchecked=unchecked, asked=asked)


def _kind(value: float | None, samples: int | None) -> str:
    if pd.isna(value):
        return NOT_CHECKED if not pd.isna(samples) and samples == 0 else CANNOT_TELL
    return MET if value else NOT_MET


def _ordered(subjects: set[str]) -> list[str]:
    def natural(text: str) -> list[tuple[int, str]]:
        return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", text)]

    return sorted(subjects - {ALL}, key=natural) or [ALL]
