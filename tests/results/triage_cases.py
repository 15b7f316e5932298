"""Findings as tools make them, and decisions about them, for the tests of triage."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from factories import BACKEND

from batchnb.records import Coverage, CoverageStatus, Finding, Severity, fingerprint
from batchnb.results.dataset import Dataset
from batchnb.results.decisions.deciding import make_decisions

NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SQL = "cursor.execute(f'SELECT * FROM users WHERE id = {user_id}')"
SHELL = "subprocess.call(input(), shell=True)"
SQL_TOOLS = {"bandit": "B608", "ruff": "S608", "skylos": "SKY-D211"}


class App:
    """One app as one job found it; makes the fingerprints that the analyzers would make."""

    def __init__(self, model="atlas", app_num=1, job_id=1):
        self.model, self.app_num, self.job_id = model, app_num, job_id
        self.findings, self.tools = [], {}
        self._count = Counter()

    def add(self, tool, rule, line, snippet=SQL, *, path="backend/app.py", cwe=89, identity=None, **changes):
        identity = snippet if identity is None else identity
        folded = fingerprint(tool, rule, path, identity, 0)
        values = {
            "model": self.model,
            "app_num": self.app_num,
            "job_id": self.job_id,
            "task_id": self.app_num,
            "analysis_type": BACKEND,
            "tool": tool,
            "rule": rule,
            "severity": Severity.MEDIUM,
            "cwe": cwe,
            "path": path,
            "line": line,
            "column": 1,
            "message": f"{tool} says so",
            "snippet": snippet,
            "fingerprint": fingerprint(tool, rule, path, identity, self._count[folded]),
        }
        self._count[folded] += 1
        self.findings.append(Finding(**{**values, **changes}))
        self.tools.setdefault(tool, CoverageStatus.OK)
        return self

    def sql(self, line, *tools, snippet=SQL, **changes):
        """Add an injection that each of the tools reports."""
        for tool in tools:
            self.add(tool, SQL_TOOLS[tool], line, snippet, **changes)
        return self

    def covered(self, **tools):
        self.tools.update(tools)
        return self

    @property
    def coverage(self):
        return [
            Coverage(
                model=self.model,
                app_num=self.app_num,
                job_id=self.job_id,
                task_id=self.app_num,
                analysis_type=BACKEND,
                tool=tool,
                status=status,
                files_eligible=0 if status is CoverageStatus.NOT_APPLICABLE else 3,
                files_seen=3 if status is CoverageStatus.OK else 0,
                exit_code=0,
                tool_version="1",
                seconds=1.0,
            )
            for tool, status in self.tools.items()
        ]


def dataset(*apps, decisions=()):
    return Dataset.from_records(
        findings=[finding for app in apps for finding in app.findings],
        coverage=[cell for app in apps for cell in app.coverage],
        decisions=decisions,
    )


def decide(source, rows=None, verdict="false_positive", **changes):
    """Return decisions about `rows` (all findings), with ids from 1."""
    values = {"reason": "the id is a number by then", "author": "ada", "now": NOW, **changes}
    made = make_decisions(source.findings if rows is None else rows, source, verdict, **values)
    return numbered(*made)


def numbered(*decisions):
    from dataclasses import replace

    return [replace(decision, id=number) for number, decision in enumerate(decisions, start=1)]
