"""Datasets for the charts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
from factories import START, batch, coverage, finding, job, task

from batchnb.records import CoverageStatus, Measurement, TaskStatus
from batchnb.results.dataset import Dataset

LOAD, ASKED = "performance", "gpt4all"


def dataset(findings=(), cells=(), tasks=(), numbers=(), jobs=()):
    return Dataset.from_records(
        findings=findings, coverage=cells, tasks=tasks, measurements=numbers, jobs=jobs
    )


def batch_dataset(**shape):
    tasks, findings, cells = batch(**shape)
    return dataset(findings, cells, tasks, jobs=[job(tasks)])


def several_jobs(seeds, **shape):
    """Return a dataset with one job per seed, numbered from 1, a day apart."""
    parts = []
    for number, seed in enumerate(seeds, start=1):
        tasks, findings, cells = (
            [replace(each, job_id=number) for each in records] for records in batch(seed=seed, **shape)
        )
        made = replace(job(tasks), id=number, created_at=START + timedelta(days=number))
        parts.append((tasks, findings, cells, made))
    return dataset(
        [each for part in parts for each in part[1]],
        [each for part in parts for each in part[2]],
        [each for part in parts for each in part[0]],
        jobs=[part[3] for part in parts],
    )


def number(metric, value, subject="", model="gpt-4o", app_num=1, **changes):
    values = {"tool": "locust", "analysis_type": LOAD, "job_id": 1, "task_id": 1}
    return Measurement(
        model=model, app_num=app_num, metric=metric, subject=subject, value=value, **{**values, **changes}
    )


def percentiles(p50, subject="GET /", factors=(1, 2, 3, 5), **changes):
    """Return p50, p90, p95 and p99 of one endpoint; None: could not be told."""
    names = ("p50", "p90", "p95", "p99")
    return [
        number(
            name,
            None if p50 is None else p50 * factor,
            subject,
            unit="ms",
            low=None if p50 is None else p50 * factor * 0.9,
            high=None if p50 is None else p50 * factor * 1.2,
            samples=0 if p50 is None else 100,
            detail="no request was answered without a failure" if p50 is None else "",
            **changes,
        )
        for name, factor in zip(names, factors, strict=True)
    ]


def verdict(value, requirement=1, samples=3, **changes):
    said = {"tool": "llm", "analysis_type": ASKED, "samples": samples, "detail": "Users log in | because"}
    return number("requirement_met", value, f"requirement {requirement}", **{**said, **changes})


def full(models=("gpt-4o", "qwen"), numbers=(1, 2, 3), text="", endpoints=2):
    """Return a dataset with something for every chart; `text` is in every text that a chart can show."""
    tasks, findings, cells = batch(models=models, numbers=numbers)
    if text:
        shown = {"tool": text, "rule": text, "path": text, "message": text, "analysis_type": text}
        findings += [finding(models[0], 1, n, **shown) for n in range(3)]
        cells += [coverage(models[0], 1, text, CoverageStatus.FAILED, detail=text, analysis_type=text)]
    measured = []
    for model in models:
        for app in numbers:
            where = {"model": model, "app_num": app}
            tasks += [
                task(len(tasks) + n, model, app, analysis_type=kind) for n, kind in ((1, LOAD), (2, ASKED))
            ]
            cells += [coverage(model, app, "locust", analysis_type=LOAD)]
            cells += [coverage(model, app, "llm", analysis_type=ASKED)]
            for n in range(endpoints):
                measured += percentiles(10 * (n + 1), f"GET /{n}{text}", **where)
            measured += percentiles(20, "", **where)
            measured += [number("throughput", 5 + s, f"t={s}s", detail=text, **where) for s in range(5)]
            measured += [verdict(n % 2, n, detail=text or "x", **where) for n in range(1, 5)]
    tasks.append(task(len(tasks) + 1, models[0], numbers[0], TaskStatus.FAILED, analysis_type="other"))
    named = job(tasks, name=text or "Nightly")
    return dataset(findings, cells, tasks, measured, [named])


def with_many_findings(data, count):
    """Return `data` with `count` findings, made as a frame and not one by one."""
    some = data.findings
    rows = np.random.default_rng(1).integers(0, len(some), count)
    return replace(data, findings=pd.DataFrame(some.iloc[rows]).reset_index(drop=True))
