"""Datasets and pages for the tests of the report."""

from __future__ import annotations

import re
from dataclasses import replace

from chart_cases import full, with_many_findings
from factories import HOSTILE, batch, coverage, error, finding, job, portfolio, task

from batchnb.records import CoverageStatus, JobStatus, TaskStatus
from batchnb.records.clock import utc_now
from batchnb.results.dataset import Dataset
from batchnb.results.decisions.deciding import make_decisions
from batchnb.results.frames import decisions_frame
from batchnb.results.provenance import provenance

PAYLOADS = (*HOSTILE, "javascript:window.pwn=1", "<b>bold</b> &lt;i&gt; $x$ %{y} \u202e=1+1")


def content(**changes):
    """Return the dataset of a batch with a job, versions, errors and apps; `changes` replace records."""
    tasks, findings, cells = batch()
    errors = [error(task_id=3), error("gone")]
    values = {
        "jobs": [job(tasks, JobStatus.FAILED, errors=errors)],
        "tasks": tasks,
        "findings": findings,
        "coverage": cells,
        "portfolio": portfolio(),
    }
    values |= changes
    origin = provenance(values["jobs"], values["portfolio"], utc_now())
    return Dataset.from_records(**{"provenance": origin, **values})


def decided(data, rows, verdict="false_positive", expires=None):
    """Return `data` with one more decision about some of its findings."""
    made = make_decisions(
        data.findings.iloc[rows], data, verdict, reason="only in tests", author="kim", expires=expires
    )
    first = len(data.decisions) + 1
    return replace(
        data, decisions=decisions_frame([replace(each, id=first + n) for n, each in enumerate(made)])
    )


def hostile(texts=PAYLOADS):
    """Return a dataset in which every text that an app, a tool or a user can choose is a payload."""
    tasks, findings, cells = batch()
    for number, text in enumerate(texts):
        payload = {"message": text, "snippet": text, "path": f"backend/{text}", "rule": text, "tool": text}
        payload["analysis_type"] = text
        findings += [finding(text, 1, number, **payload), finding("gpt-4o", 2, number, **payload)]
        cells.append(
            coverage(text, 1, text, CoverageStatus.FAILED, stderr_tail=text, detail=text, tool_version=text)
        )
        cells.append(coverage(text, 2, "bandit", CoverageStatus.PARTIAL, analysis_type=text))
        tasks.append(task(500 + number, text, 3, TaskStatus.FAILED, error=error(text), analysis_type=text))
    spoilt = job(
        tasks, JobStatus.FAILED, name=texts[0], description=texts[1], errors=[error(text) for text in texts]
    )
    measured = full(text=texts[1]).measurements
    origin = {
        "versions": {text: text for text in texts},
        "jobs": {texts[0]: {"errors": list(texts)}},
        texts[1]: texts,
    }
    data = Dataset.from_records(
        jobs=[spoilt],
        tasks=tasks,
        findings=findings,
        coverage=cells,
        portfolio=portfolio(models=texts),
        provenance=origin,
    )
    data = replace(data, measurements=measured)
    made = make_decisions(data.findings.tail(1), data, "accepted", reason=texts[0], author=texts[4])
    return replace(data, decisions=decisions_frame([replace(each, id=1, message=texts[1]) for each in made]))


def many(count):
    """Return a dataset of `count` findings that are all different, of 9 models x 30 apps."""
    data = with_many_findings(
        full(models=[f"model-{n}" for n in range(9)], numbers=range(1, 31), endpoints=1), count
    )
    numbers = range(count)
    findings = data.findings.assign(
        line=[1 + n // 7 for n in numbers],
        path=[f"backend/module_{n % 40}.py" for n in numbers],
        fingerprint=[f"{n:016x}" for n in numbers],
    )
    return replace(data, findings=findings.astype(data.findings.dtypes))


def body(html):
    """Return the page without its scripts and styles, white space folded."""
    return " ".join(re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL).split())
