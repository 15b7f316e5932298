"""Numbers counted by the database agree with a recount in plain Python; an estimate is near the truth."""

import math
import random
import statistics
import time
from collections import Counter
from datetime import timedelta

import pytest
from gated import report_of
from support import START, error, wait_until

from batchnb.engine.endings import Ended
from batchnb.records import CoverageStatus, JobStatus, Severity, TaskStatus

KINDS = ("gated", "other")


def end(chance, task):
    """Return a task as it ended by chance, with what it found."""
    now = START + timedelta(seconds=chance.uniform(0.1, 90))
    status = chance.choice(list(TaskStatus)[2:])
    if status is TaskStatus.CANCELLED and chance.random() < 0.5:
        return Ended.of(task.cancel(START))  # it never started
    running = task.start(START)
    if status is TaskStatus.COMPLETED:
        issues = [{"severity": chance.choice(list(Severity))} for _ in range(chance.randrange(6))]
        return Ended.of(running.complete({"summary": {}}, now), report_of(task, CoverageStatus.OK, *issues))
    if status is TaskStatus.CANCELLED:
        return Ended.of(running.cancel(now))
    if status is TaskStatus.SKIPPED:
        return Ended.of(running.skip(now))
    failed = running.fail if status is TaskStatus.FAILED else running.time_out
    return Ended.of(failed(error(), now))


@pytest.fixture
def filled(storage):
    """Three jobs whose tasks ended, run or wait by chance; the last has none."""
    chance = random.Random(4)
    job_ids = [storage.create_job({"models": ["m"], "analysis_types": list(KINDS)}).id for _ in range(3)]
    for job_id in job_ids[:2]:
        storage.create_tasks(job_id, [("m", number, kind) for number in range(1, 41) for kind in KINDS])
        for status in (JobStatus.INITIALIZING, JobStatus.RUNNING):
            storage.update_job(job_id, status=status)
        for task in storage.get_tasks(job_id):
            if chance.random() < 0.9:
                storage.end_task(end(chance, task))
            elif chance.random() < 0.5:
                storage.update_task(task.id, lambda task: task.start(START))
    return job_ids


def recount(storage, job_ids):
    tasks = [task for job_id in job_ids for task in storage.get_tasks(job_id)]
    findings = [found for job_id in job_ids for found in storage.get_findings(job_id)]
    times = {}
    for task in tasks:
        if task.status.is_ended and task.status is not TaskStatus.SKIPPED:
            seconds = (task.completed_at - task.started_at).total_seconds()
            if seconds > 0:
                times.setdefault(task.analysis_type, []).append((seconds, task.status))
    return tasks, findings, times


@pytest.mark.parametrize("whole", [True, False])
def test_metrics_agree_with_a_recount(storage, filled, whole):
    job_ids = filled if whole else filled[:1]
    tasks, findings, times = recount(storage, job_ids)
    metrics = storage.get_metrics(None if whole else filled[0])

    counts = Counter(task.status for task in tasks)
    assert metrics.tasks_by_status == {status: counts[status] for status in TaskStatus}
    jobs = Counter(storage.get_job(job_id).status for job_id in job_ids)
    assert metrics.jobs_by_status == {status: jobs[status] for status in JobStatus}
    severities = Counter(found.severity for found in findings)
    assert metrics.findings_by_severity == {severity: severities[severity] for severity in Severity}
    assert metrics.issues_total == len(findings) > 0
    assert [each.analysis_type for each in metrics.times] == sorted(times)
    for each in metrics.times:
        seconds = sorted(found for found, _ in times[each.analysis_type])
        assert each.tasks == len(seconds) > 10
        assert each.timed_out == sum(s is TaskStatus.TIMED_OUT for _, s in times[each.analysis_type]) > 0
        assert each.total == pytest.approx(sum(seconds))
        assert each.mean == pytest.approx(statistics.fmean(seconds))
        assert each.p50 == seconds[math.ceil(0.5 * len(seconds)) - 1]
        assert each.p95 == seconds[math.ceil(0.95 * len(seconds)) - 1]
        assert each.longest == seconds[-1]
    assert metrics.timeouts == counts[TaskStatus.TIMED_OUT]


def test_a_job_without_tasks_has_zeros_and_no_times(storage, filled):
    metrics = storage.get_metrics(filled[2])
    assert set(metrics.tasks_by_status.values()) == {0}
    assert metrics.jobs_by_status[JobStatus.PENDING] == 1
    assert (metrics.issues_total, metrics.times, metrics.timeouts) == (0, (), 0)


def test_an_estimate_is_none_before_anything_ran_and_after_the_end(bench):
    bench.analyzer.hold("m")
    job_id = bench.job(apps=(1, 2, 3))
    assert bench.service.estimate(job_id) is None
    bench.service.start_job(job_id)
    bench.analyzer.await_calls(m=2)
    assert bench.service.estimate(job_id) is None
    bench.analyzer.release()
    bench.ended(job_id)
    assert bench.service.estimate(job_id) is None


def test_an_estimate_counts_each_type_with_its_own_mean(storage):
    job_id = storage.create_job({"models": ["m"], "analysis_types": list(KINDS)}).id
    storage.create_tasks(job_id, [("m", number, kind) for number in range(1, 5) for kind in KINDS])
    for status in (JobStatus.INITIALIZING, JobStatus.RUNNING):
        storage.update_job(job_id, status=status)
    for task in storage.get_tasks(job_id)[:2]:
        seconds = {"gated": 10, "other": 30}[task.analysis_type]
        ended = task.start(START).complete({"summary": {}}, START + timedelta(seconds=seconds))
        storage.end_task(Ended.of(ended))
    estimate = storage.get_estimate(job_id, 2)
    assert estimate.seconds_left == pytest.approx((3 * 10 + 3 * 30) / 2)
    assert (estimate.tasks_left, estimate.based_on) == (6, 2)
    assert storage.get_estimate(job_id, 100).seconds_left == pytest.approx(120 / 6), "no more than are left"


def test_an_estimate_of_equal_tasks_is_within_a_factor_of_two(make_bench):
    bench = make_bench({"m": range(1, 25)}, max_tasks=2)

    def nap(app, context):
        context.cancel.wait(0.2)
        return report_of(app, CoverageStatus.OK)

    bench.analyzer.scripts = dict.fromkeys(range(1, 25), nap)
    job_id = bench.job(apps=range(1, 25))
    bench.service.start_job(job_id)
    assert wait_until(lambda: bench.storage.get_job(job_id).completed_tasks >= 6)
    estimate, asked = bench.service.estimate(job_id), time.monotonic()
    assert bench.ended(job_id).status is JobStatus.COMPLETED
    took = time.monotonic() - asked
    assert took / 2 < estimate.seconds_left < took * 2, (took, estimate)
