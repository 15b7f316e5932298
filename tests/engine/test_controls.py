"""What somebody wants of a job, written into its store: what is refused, what is kept, what is counted."""

from contextlib import closing

import pytest
from support import START

from batchnb.engine.controls import CANCEL, REQUEUE
from batchnb.engine.storage import JobStorage
from batchnb.records import JobStatus
from batchnb.records.errors import EndedError, InvalidValueError, InvariantError, RecordNotFoundError

KINDS = ("gated", "other")


@pytest.fixture
def job_id(storage):
    """A running job with four tasks, of which one runs and one has ended."""
    job_id = storage.create_job({"models": ["m"], "analysis_types": list(KINDS)}).id
    storage.create_tasks(job_id, [("m", number, kind) for number in (1, 2) for kind in KINDS], 100)
    for status in (JobStatus.INITIALIZING, JobStatus.RUNNING):
        storage.update_job(job_id, status=status)
    running, ended, *_ = storage.get_tasks(job_id)
    storage.update_task(running.id, lambda task: task.start(START))
    storage.finish_task(ended.id, lambda task: task.cancel(START))
    return job_id


@pytest.fixture
def ids(storage, job_id):
    """Ids of the running, the ended and the two waiting tasks."""
    return [task.id for task in storage.get_tasks(job_id)]


def wishes(storage, job_id):
    return storage.controls.orders(job_id, []).wishes


def test_each_change_counts_and_is_told(storage, job_id, ids):
    controls, told = storage.controls, []
    controls.listeners.append(told.append)
    changes = [
        lambda: controls.pause(job_id),
        lambda: controls.resume(job_id),
        lambda: controls.set_max_tasks(job_id, 7),
        lambda: controls.set_timeout(job_id, 50),
        lambda: controls.set_priority(ids[2], 3),
        lambda: controls.cancel_task(ids[2]),
        lambda: controls.requeue_task(ids[3]),
    ]
    seen = [controls.look(job_id).control]
    for change in changes:
        change()
        seen.append(controls.look(job_id).control)
    assert seen == list(range(seen[0], seen[0] + len(changes) + 1))
    assert told == [job_id] * len(changes)


def test_pausing_says_whether_it_changed_anything(storage, job_id):
    controls = storage.controls
    assert (controls.pause(job_id), controls.pause(job_id)) == (True, False)
    assert storage.get_job(job_id).paused is True
    assert controls.orders(job_id, []).paused is True
    assert (controls.resume(job_id), controls.resume(job_id)) == (True, False)
    assert storage.get_job(job_id).paused is False


def test_limits_of_what_has_not_ended_change_by_type_or_all(storage, job_id, ids):
    running, _, third, _ = ids

    def limits():
        return [task.timeout_seconds for task in storage.get_tasks(job_id)]

    assert storage.controls.set_timeout(job_id, 50, "other") == 1
    assert limits() == [100, 100, 100, 50]
    assert storage.controls.set_timeout(job_id, 60) == 3
    assert limits() == [60, 100, 60, 60]
    assert storage.controls.orders(job_id, [running, third]).timeouts == {running: 60, third: 60}


def test_the_limits_of_a_queued_job_are_those_of_the_tasks_that_it_will_make(storage):
    job_id = storage.create_job({"models": ["m"], "analysis_types": list(KINDS)}).id
    storage.update_job(job_id, status=JobStatus.QUEUED)
    assert storage.controls.set_timeout(job_id, 50, "other") == 0
    storage.update_job(job_id, status=JobStatus.INITIALIZING)
    assert storage.controls.set_timeout(job_id, 70, "gated") == 0, "also while its tasks are being prepared"
    storage.create_tasks(job_id, [("m", 1, kind) for kind in KINDS], {"gated": 100, "other": 100})
    assert [task.timeout_seconds for task in storage.get_tasks(job_id)] == [70, 50]


def test_a_wish_stays_until_it_is_fulfilled(storage, job_id, ids):
    """A task can start, or come further, between the wish and the look of whoever runs it."""
    _, _, third, fourth = ids
    storage.controls.cancel_task(third)
    storage.update_task(third, lambda task: task.start(START))
    storage.update_task(third, lambda task: task.with_progress(50))
    assert wishes(storage, job_id) == {third: CANCEL}
    storage.finish_task(third, lambda task: task.cancel(START))
    assert wishes(storage, job_id) == {}

    storage.controls.requeue_task(fourth)
    storage.update_task(fourth, lambda task: task.start(START))
    assert wishes(storage, job_id) == {fourth: REQUEUE}
    storage.update_task(fourth, lambda task: task.requeue())
    assert wishes(storage, job_id) == {}


def test_a_cancellation_survives_that_the_task_is_put_back(storage, job_id, ids):
    running = ids[0]
    storage.controls.requeue_task(running)
    storage.controls.cancel_task(running)
    storage.update_task(running, lambda task: task.requeue())
    assert wishes(storage, job_id) == {running: CANCEL}


def test_a_requeued_task_comes_last_and_each_further_one_behind_it(storage, job_id, ids):
    running, _, third, fourth = ids
    storage.controls.requeue_task(third)
    assert [task.id for task in storage.get_waiting(job_id, 9)] == [fourth, third]
    storage.controls.requeue_task(fourth)
    storage.controls.requeue_task(running)
    storage.update_task(running, lambda task: task.requeue())
    assert [task.id for task in storage.get_waiting(job_id, 9)] == [third, fourth, running]
    storage.controls.set_priority(running, 1)
    assert [task.id for task in storage.get_waiting(job_id, 9)] == [running, third, fourth]


def test_an_ended_task_is_refused_with_the_way_out(storage, job_id, ids):
    controls = storage.controls
    for change in (controls.cancel_task, controls.requeue_task, lambda each: controls.set_priority(each, 1)):
        with pytest.raises(EndedError, match=rf"task {ids[1]} has ended \(cancelled\).*retry=True"):
            change(ids[1])
    assert controls.look(job_id).control == 0


def test_what_is_not_there_is_refused(storage, job_id):
    controls = storage.controls
    for change in (controls.cancel_task, controls.requeue_task):
        with pytest.raises(RecordNotFoundError, match="no task 999"):
            change(999)
    with pytest.raises(RecordNotFoundError, match="no job 999"):
        controls.pause(999)
    with pytest.raises(RecordNotFoundError, match="no job 999"):
        controls.orders(999, [])
    assert controls.look(999) == (False, 0)


@pytest.mark.parametrize("value", [0, 257, True, 1.5, "2", None])
def test_a_wrong_number_of_tasks_is_refused(storage, job_id, value):
    with pytest.raises(InvalidValueError, match="max_tasks"):
        storage.controls.set_max_tasks(job_id, value)


@pytest.mark.parametrize("value", [0, -1, 8 * 24 * 3600, False, "1"])
def test_a_wrong_limit_is_refused(storage, job_id, value):
    with pytest.raises(InvalidValueError, match="timeout"):
        storage.controls.set_timeout(job_id, value)


def test_a_wrong_priority_or_analysis_is_refused(storage, job_id, ids):
    with pytest.raises(InvalidValueError, match="priority"):
        storage.controls.set_priority(ids[2], 10**7)
    with pytest.raises(InvalidValueError, match="the job has gated, other"):
        storage.controls.set_timeout(job_id, 5, "nonsense")
    assert storage.controls.look(job_id).control == 0


@pytest.mark.parametrize("status", [JobStatus.PENDING, JobStatus.CANCELLING, JobStatus.ERROR])
def test_a_job_that_does_not_go_on_is_refused(storage, job_id, ids, status):
    if status is JobStatus.PENDING:
        job_id = storage.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
        ids = [0, 0, storage.create_task(job_id, "m", 1, "gated").id]
    else:
        storage.update_job(job_id, status=status)
    controls = storage.controls
    for change in (
        lambda: controls.pause(job_id),
        lambda: controls.set_max_tasks(job_id, 3),
        lambda: controls.set_timeout(job_id, 3),
        lambda: controls.cancel_task(ids[2]),
        lambda: controls.requeue_task(ids[2]),
    ):
        with pytest.raises(InvariantError, match=f"job {job_id} is {status.value}"):
            change()


def test_another_store_on_the_same_file_sees_it(tmp_path):
    with (
        closing(JobStorage(tmp_path / "store.db")) as mine,
        closing(JobStorage(tmp_path / "store.db")) as theirs,
    ):
        job_id = mine.create_job({"models": ["m"], "analysis_types": ["gated"]}).id
        mine.update_job(job_id, status=JobStatus.QUEUED)
        theirs.controls.pause(job_id)
        theirs.controls.set_max_tasks(job_id, 9)
        assert mine.controls.look(job_id).control == 2
        assert mine.controls.orders(job_id, [])[:2] == (True, 9)


def test_what_was_asked_for_is_in_the_jobs_log(storage, job_id, ids):
    one, controls = ids[0], storage.controls
    controls.pause(job_id)
    controls.pause(job_id)
    controls.resume(job_id)
    controls.set_max_tasks(job_id, 3)
    controls.set_timeout(job_id, 60)
    controls.set_priority(one, 5)
    controls.requeue_task(one)
    controls.cancel_task(one)

    assert [(line.task_id, line.message) for line in storage.get_log(job_id)] == [
        (None, "paused: no new task is started"),
        (None, "resumed"),
        (None, "runs up to 3 tasks at once from now on"),
        (None, "time limit of all tasks: 60 s from now on"),
        (one, "priority is 5 from now on"),
        (one, "to be run again, after all that wait"),
        (one, "cancellation asked for"),
    ]
