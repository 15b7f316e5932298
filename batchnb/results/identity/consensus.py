"""One fault that several tools report is one consensus finding with several pieces of evidence."""

from __future__ import annotations

import weakref
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from batchnb.records import Severity
from batchnb.results.columns import APP, Column
from batchnb.results.dataset import as_dataset
from batchnb.results.frames import make_frame
from batchnb.results.identity import cwe_tree
from batchnb.results.identity.evidence import WINDOW, Evidence, distance, meant_cwe
from batchnb.results.severity import SEVERITY_RANK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

CONSENSUS = (
    Column("consensus_id", "Int64", "Number of the consensus finding in this frame, from 1"),
    Column("job_id", "Int64", "Id of the job; missing: outside a job"),
    *APP,
    Column(
        "severity",
        "category",
        "The worst that a tool says",
        categories=tuple(str(s) for s in reversed(Severity)),
    ),
    Column(
        "cwe",
        "Int64",
        "The CWE that most tools mean, of several the most specific; missing: no tool gives one",
    ),
    Column("path", "string", "File, relative to the app's folder, with forward slashes"),
    Column("line", "Int64", "First line, from 1; missing: the whole file"),
    Column("end_line", "Int64", "Last line that a tool points at"),
    Column("tools", "string", "Tools that report it, joined by a comma"),
    Column("n_tools", "Int64", "Number of tools that report it"),
    Column("n_findings", "Int64", "Number of findings that are evidence for it"),
    Column("rules", "string", "Their rules, such as 'bandit:B608, ruff:S608'"),
    Column("message", "string", "What the tool says that rates it worst"),
    Column("fingerprint", "string", "Identity within the app: the least of its findings' fingerprints"),
    Column("tags", "string", "Marks that all of its findings carry, joined by a space"),
)
_NEIGHBOURS = 64
"""On a line with very many findings, how many of the next ones are compared with each."""
_FIELDS = [
    "job_id",
    "model",
    "app_num",
    "path",
    "tool",
    "rule",
    "cwe",
    "line",
    "column",
    "snippet",
    "severity",
    "message",
    "fingerprint",
    "tags",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Consensus:
    consensus_id: int
    job_id: int | None
    model: str
    app_num: int
    severity: str
    cwe: int | None
    path: str
    line: int | None
    end_line: int | None
    tools: str
    n_tools: int
    n_findings: int
    rules: str
    message: str
    fingerprint: str
    tags: str


_Clustering = tuple[list[_Consensus], list[list[int]]]
_last: tuple[weakref.ref[pd.DataFrame], _Clustering] | None = None


def consensus(source: object) -> pd.DataFrame:
    """Return one row per fault, with the tools that report it, the worst first within each app.

    Findings of one file are one fault if their tools report it on one line by the same rule or by related
    weaknesses, or a few lines apart if the source shows that they belong together. All findings of a fault
    belong together pairwise, so that there are no chains. Two findings of one tool are one fault only where
    the tool reports one twice. In doubt they stay apart.

    Args:
        source: a Job or a Dataset. Jobs stay apart; `Dataset.latest()` takes each app from one.

    Raises:
        InvalidValueError: if it is neither.
    """
    return make_frame(CONSENSUS, _clustered(as_dataset(source).findings)[0])


def members(source: object) -> pd.Series[int]:
    """Return the consensus finding (`consensus_id`) of each finding, by the index of the findings frame.

    Raises:
        InvalidValueError: if `source` is neither a Job nor a Dataset.
    """
    findings = as_dataset(source).findings
    rows, clusters = _clustered(findings)
    numbers = [0] * len(findings)
    for row, cluster in zip(rows, clusters, strict=True):
        for n in cluster:
            numbers[n] = row.consensus_id
    return pd.Series(numbers, index=findings.index, name="consensus_id", dtype="Int64")


def _clustered(findings: pd.DataFrame) -> _Clustering:
    """Return the clustering of a frame; who asks for several views of one frame waits once."""
    global _last  # noqa: PLW0603 - a memo of one
    last = _last  # read once, as other threads may come in between
    if last is None or last[0]() is not findings:
        last = _last = (weakref.ref(findings), _cluster_all(findings))
    return last[1]


def _cluster_all(findings: pd.DataFrame) -> _Clustering:
    """Return the consensus findings, and for each the places of its findings in the frame."""
    columns = {
        name: findings[name].astype(object).where(findings[name].notna(), None).tolist() for name in _FIELDS
    }
    seen = list(
        map(Evidence, *(columns[name] for name in ("tool", "rule", "cwe", "line", "column", "snippet")))
    )
    files: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for n, key in enumerate(zip(*(columns[name] for name in _FIELDS[:4]), strict=True)):
        files[key].append(n)
    clusters = [cluster for places in files.values() for cluster in _clusters(seen, places)]

    def order(cluster: list[int]) -> tuple[Any, ...]:
        job, model, app_num, path = (columns[name][cluster[0]] for name in _FIELDS[:4])
        worst = min(SEVERITY_RANK[Severity(columns["severity"][n])] for n in cluster)
        least = min(columns["fingerprint"][n] for n in cluster)
        return job or 0, model, app_num, worst, path, min(seen[n].line or 0 for n in cluster), least

    clusters.sort(key=order)
    return [
        _row(number, cluster, columns, seen) for number, cluster in enumerate(clusters, start=1)
    ], clusters


def _clusters(seen: Sequence[Evidence], places: list[int]) -> list[list[int]]:
    """Return the findings of one file by fault: nearest first, and only if all of them belong together."""
    cluster_of = {n: [n] for n in places}
    for _, one, other in sorted(_edges(seen, places)):
        ours, theirs = cluster_of[one], cluster_of[other]
        if ours is theirs or any(distance(seen[a], seen[b]) is None for a in ours for b in theirs):
            continue
        ours += theirs
        for n in theirs:
            cluster_of[n] = ours
    return list({id(cluster): cluster for cluster in cluster_of.values()}.values())


def _edges(seen: Sequence[Evidence], places: list[int]) -> Iterator[tuple[float, int, int]]:
    in_order = sorted(places, key=lambda n: (seen[n].line or 0, seen[n].column or 0))
    for rank, n in enumerate(in_order):
        for other in in_order[rank + 1 : rank + 1 + _NEIGHBOURS]:
            if (seen[other].line or 0) - (seen[n].line or 0) > WINDOW:
                break
            apart = distance(seen[n], seen[other])
            if apart is not None:
                yield apart, n, other


def _row(
    number: int, cluster: list[int], columns: dict[str, list[Any]], seen: Sequence[Evidence]
) -> _Consensus:
    worst = min(
        cluster, key=lambda n: (SEVERITY_RANK[Severity(columns["severity"][n])], seen[n].tool, seen[n].rule)
    )
    tools = sorted({seen[n].tool for n in cluster})
    lines = [line for n in cluster if (line := seen[n].line) is not None]
    marks = set.intersection(*(set(columns["tags"][n].split()) for n in cluster))
    return _Consensus(
        consensus_id=number,
        job_id=columns["job_id"][worst],
        model=columns["model"][worst],
        app_num=columns["app_num"][worst],
        severity=columns["severity"][worst],
        cwe=_cwe([seen[n] for n in cluster]),
        path=columns["path"][worst],
        line=min(lines, default=None),
        end_line=max(lines, default=None),
        tools=", ".join(tools),
        n_tools=len(tools),
        n_findings=len(cluster),
        rules=", ".join(sorted({f"{seen[n].tool}:{seen[n].rule}" for n in cluster})),
        message=columns["message"][worst],
        fingerprint=min(columns["fingerprint"][n] for n in cluster),
        tags=" ".join(sorted(marks)),
    )


def _cwe(cluster: Sequence[Evidence]) -> int | None:
    votes = Counter(cwe for each in cluster if (cwe := meant_cwe(each)) is not None)
    return max(votes, key=lambda cwe: (votes[cwe], len(cwe_tree.ancestors(cwe)), -cwe), default=None)
