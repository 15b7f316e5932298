"""How far tools agree: of the faults that two tools could both have seen, how many both saw."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from batchnb.results.columns import Column
from batchnb.results.dataset import as_dataset
from batchnb.results.frames import make_frame
from batchnb.results.identity.consensus import members
from batchnb.results.identity.reading import Reading

if TYPE_CHECKING:
    import pandas as pd

AGREEMENT = (
    Column("tool_a", "category", "One tool"),
    Column("tool_b", "category", "The other tool, later in the alphabet"),
    Column("both", "Int64", "Consensus findings that both report"),
    Column("only_a", "Int64", "Those that only the first reports, though the second could have seen them"),
    Column("only_b", "Int64", "Those that only the second reports, though the first could have seen them"),
    Column("share", "Float64", "`both` of all three; missing: there is nothing that both could have seen"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Agreement:
    tool_a: str
    tool_b: str
    both: int
    only_a: int
    only_b: int

    @property
    def share(self) -> float | None:
        total = self.both + self.only_a + self.only_b
        return self.both / total if total else None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fault:
    model: str
    app_num: int
    analysis_type: str
    path: str
    tools: set[str]


def agreement(source: object) -> pd.DataFrame:
    """Return one row per pair of tools: how many consensus findings both report, and how many only one does.

    A tool could have seen a fault if it read the app in that analysis, did not leave out the file, and
    reports about files of that kind (by their ending) at all in the dataset. What it could not have seen is
    no disagreement. There is no kappa: nobody knows how many places are without a fault.

    Args:
        source: a Job or a Dataset; of several jobs the newest of each app and analysis.

    Raises:
        InvalidValueError: if it is neither.
    """
    dataset = as_dataset(source).latest()
    findings, reading = dataset.findings, Reading(dataset)
    faults: dict[int, _Fault] = {}
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    columns = (findings[name] for name in ("model", "app_num", "analysis_type", "path", "tool"))
    for number, model, app_num, kind, path, tool in zip(members(dataset), *columns, strict=True):
        fault = _Fault(model=model, app_num=app_num, analysis_type=kind, path=path, tools=set())
        faults.setdefault(number, fault).tools.add(tool)
        kinds[tool].add(_ending(path))
    seen: Counter[tuple[str, str, bool, bool]] = Counter()
    tools = sorted({*kinds, *reading.versions()})
    for fault in faults.values():
        able = [
            tool for tool in tools if tool in fault.tools or _could_see(tool, fault, reading, kinds[tool])
        ]
        seen.update((a, b, a in fault.tools, b in fault.tools) for a, b in combinations(able, 2))
    return make_frame(
        AGREEMENT,
        [
            _Agreement(
                tool_a=a,
                tool_b=b,
                both=seen[a, b, True, True],
                only_a=seen[a, b, True, False],
                only_b=seen[a, b, False, True],
            )
            for a, b in combinations(tools, 2)
        ],
    )


def _could_see(tool: str, fault: _Fault, reading: Reading, kinds: set[str]) -> bool:
    cell = (fault.model, fault.app_num, fault.analysis_type, tool)
    return _ending(fault.path) in kinds and reading.has_read(cell, fault.path)


def _ending(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2] if "." in name else name
