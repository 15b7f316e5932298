"""Whether what a decision was made about is still there: stricter than comparing runs.

Two runs are compared by what is likely (`results.matching`): an edited line is the same finding. A decision
must not be carried over so, because it hides: what is recognised here is the same code, or nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from batchnb.records import Member, fingerprint
from batchnb.records.decision import code_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import pandas as pd

_Key = tuple[str, str, str]
_App = tuple[str, int]
_COLUMNS = (
    "model",
    "app_num",
    "job_id",
    "tool",
    "rule",
    "path",
    "line",
    "column",
    "snippet",
    "fingerprint",
    "clone_key",
    "cwe",
)


class Seen(NamedTuple):
    """One row of a findings frame, as far as it is recognised by it; missing values are None."""

    model: str
    app_num: int
    job_id: int | None
    tool: str
    rule: str
    path: str
    line: int | None
    column: int | None
    snippet: str
    fingerprint: str
    clone_key: str
    cwe: int | None


class Found(NamedTuple):
    """Where a member is now."""

    rows: tuple[int, ...]
    """Positions in the findings frame."""
    doubt: str = ""
    """Why nothing is recognised though something alike is there; empty: there is no doubt."""


@dataclass(slots=True)
class _Sightings:
    """What one job found in one app."""

    by_fingerprint: defaultdict[_Key, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_code: defaultdict[_Key, defaultdict[str, defaultdict[tuple[int, int], list[int]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    )
    """Tool, rule and code -> path -> line and column -> rows; several analyses may report one place."""
    in_file: defaultdict[_Key, int] = field(default_factory=lambda: defaultdict(int))
    """Tool, rule and path -> number of rows."""


class Recognition:
    """The findings of some apps, ready to be recognised; each job for itself."""

    def __init__(
        self, findings: pd.DataFrame, coverage: pd.DataFrame, apps: Collection[_App] | None = None
    ) -> None:
        """Look at the findings of `apps` (None: of all); nothing is copied that does not belong to them."""
        self.seen = dict(_rows(findings, apps))
        self._read = _read_whole(coverage)
        self._jobs: defaultdict[_App, defaultdict[int | None, _Sightings]] = defaultdict(
            lambda: defaultdict(_Sightings)
        )
        for row, each in self.seen.items():
            job = self._jobs[each.model, each.app_num][each.job_id]
            job.by_fingerprint[each.tool, each.rule, each.fingerprint].append(row)
            job.in_file[each.tool, each.rule, each.path] += 1
            code = code_key(each.snippet)
            if code:
                place = (each.line or 0, each.column or 0)
                job.by_code[each.tool, each.rule, code][each.path][place].append(row)

    def is_measured(self, model: str, app_num: int, tools: Iterable[str]) -> bool:
        """Whether every one of the tools read all of the app that it is for, in each job that has the app."""
        return all(self._read.get((model, app_num, tool), False) for tool in tools)

    def member(self, row: int) -> Member:
        """Return the identity of the finding in a row, as a decision keeps it."""
        each = self.seen[row]
        job = self._jobs[each.model, each.app_num][each.job_id]
        code = code_key(each.snippet) if _is_of_source(each, job) else ""
        nth, in_file, in_app = 1, 1, None
        if code:
            files = job.by_code[each.tool, each.rule, code]
            places = sorted(files[each.path])
            nth, in_file = places.index((each.line or 0, each.column or 0)) + 1, len(places)
            if self.is_measured(each.model, each.app_num, [each.tool]):
                in_app = sum(map(len, files.values()))
        return Member(
            tool=each.tool,
            rule=each.rule,
            fingerprint=each.fingerprint,
            clone_key=each.clone_key,
            path=each.path,
            line=each.line,
            cwe=each.cwe,
            code=code,
            nth_in_file=nth,
            alike_in_file=in_file,
            alike_in_app=in_app,
        )

    def find(self, model: str, app_num: int, member: Member) -> Found:
        """Return where a member of a decision about an app is now, in all jobs.

        A finding that shows its source is the same if the code is the same (but for formatting) and as many
        alike ones are in its file as there were: the n-th is then the n-th. If its file has none any more, it
        moved to the only place in the app that has one, provided it was the only one before and everything
        was read, then and now. Any other finding is the same if its fingerprint is.
        """
        if (model, app_num) not in self._jobs:
            return Found(())
        whole = self.is_measured(model, app_num, [member.tool])
        found = [
            self._by_code(job, member, whole=whole) if member.code else self._by_fingerprint(job, member)
            for job in self._jobs[model, app_num].values()
        ]
        rows = tuple(row for each in found for row in each.rows)
        return Found(rows, next((each.doubt for each in found if each.doubt), ""))

    def _by_fingerprint(self, job: _Sightings, member: Member) -> Found:
        rows = job.by_fingerprint.get((member.tool, member.rule, member.fingerprint), ())
        # without any source, its line is all that is known of what it points at
        return Found(
            tuple(row for row in rows if self.seen[row].snippet or self.seen[row].line == member.line)
        )

    def _by_code(self, job: _Sightings, member: Member, *, whole: bool) -> Found:
        files = job.by_code.get((member.tool, member.rule, member.code))
        if not files:
            return Found(())
        if member.path in files:
            return _in_file(files[member.path], member)
        places = [rows for file in files.values() for rows in file.values()]
        if len(places) == 1 and member.alike_in_app == 1 and whole:
            return Found(tuple(places[0]))
        where = f"{member.path} has it no more, the same code is in {', '.join(sorted(files)[:3])}"
        return Found((), f"{_name(member)}: {where}, and it cannot be told whether it moved there")


def _in_file(places: dict[tuple[int, int], list[int]], member: Member) -> Found:
    if len(places) == member.alike_in_file >= member.nth_in_file:
        return Found(tuple(places[sorted(places)[member.nth_in_file - 1]]))
    counts = f"{member.alike_in_file} times then and {len(places)} times now"
    return Found(
        (),
        f"{_name(member)}: {member.path} has the same code {counts}, and it cannot be told which one it was",
    )


def _name(member: Member) -> str:
    return f"{member.tool} {member.rule}"


def _is_of_source(each: Seen, job: _Sightings) -> bool:
    """Whether the fingerprint was made of the source that is shown.

    It was not if that is what a running app answered, or is hidden because it holds a secret.
    """
    most = job.in_file[each.tool, each.rule, each.path]
    made = (fingerprint(each.tool, each.rule, each.path, each.snippet, nth) for nth in range(most))
    return each.fingerprint in made


def _read_whole(coverage: pd.DataFrame) -> dict[tuple[str, int, str], bool]:
    """Return model, app and tool -> whether the tool read everything that it is for."""
    whole = (coverage["status"] == "ok") & (coverage["files_seen"] >= coverage["files_eligible"])
    whole |= coverage["status"] == "not_applicable"
    cells: dict[tuple[str, int, str], bool] = {}
    columns = [coverage[name].tolist() for name in ("model", "app_num", "tool")]
    for *cell, is_whole in zip(*columns, whole.tolist(), strict=True):
        key = (cell[0], cell[1], cell[2])
        cells[key] = cells.get(key, True) and bool(is_whole)
    return cells


def _rows(findings: pd.DataFrame, apps: Collection[_App] | None) -> Iterator[tuple[int, Seen]]:
    if apps is not None:
        pairs = zip(findings["model"].tolist(), findings["app_num"].tolist(), strict=True)
        positions = [position for position, app in enumerate(pairs) if app in apps]
        findings = findings.iloc[positions]
    else:
        positions = list(range(len(findings)))
    columns = [_plain(findings[name]) for name in _COLUMNS]
    yield from zip(positions, map(Seen._make, zip(*columns, strict=True)), strict=True)


def _plain(column: pd.Series) -> list[object]:
    values = column.astype(object)
    plain: list[object] = values.where(values.notna(), None).tolist()
    return plain
