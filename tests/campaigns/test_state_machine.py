"""Two engines on one store against a plain model of them: whatever is done, in whatever order (T14)."""

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from plain_model import Model
from soundness import check_store
from steered import VERDICTS, Engine
from support import PATIENCE, make_apps, wait_until

from batchnb.engine import endings, service, storage, task_runs
from batchnb.engine.crew import Crew
from batchnb.engine.feed import Feed
from batchnb.records import JobStatus, TaskStatus
from batchnb.records.errors import EndedError, InvariantError

APPS = range(1, 6)
LENGTH = 50
"""Steps on one store."""
CALM = 5
"""Steps between one end of an engine and the next: most that can happen needs an engine that lives."""
MAX_JOBS = (2, 1)
MOST_JOBS = 7
"""More are not made until some are deleted."""
WHICH = st.integers(0, 999)
"""Which of the things that are there is meant; the remainder counts."""
ENDINGS = st.sampled_from(VERDICTS)


class Machine(RuleBasedStateMachine):
    """Each rule does one thing to the engines and to the model, then waits until they are alike."""

    folder: Path
    steps: Counter
    patience: float

    @initialize()
    def open(self):
        self.place = Path(mkdtemp(dir=self.folder))
        self.model = Model()
        self.engines = [None, None]
        self.ended, self.last, self.calm = {}, (0, 0), 0
        for number in range(2):
            self._open(number)
        self.alike("open")

    def teardown(self):
        for engine in getattr(self, "engines", ()):
            if engine is not None:
                engine.analyzer.abandon()
                engine.close()

    # ------------------------------------------------------------------------------------------- rules

    @precondition(lambda self: self.living() and len(self.model.jobs) < MOST_JOBS)
    @rule(where=WHICH, apps=st.sets(st.sampled_from(APPS), min_size=1), limit=st.sampled_from((None, 1, 3)))
    def submit(self, where, apps, limit):
        engine = self.engine(where)
        job = engine.storage.create_job(_data(apps, limit))
        self._add(job.id, apps, limit)
        assert engine.service.start_job(job.id) == self.model.start(engine, job.id)
        self.alike("submit")

    @precondition(lambda self: self.living() and len(self.model.jobs) < MOST_JOBS)
    @rule(where=WHICH, apps=st.sets(st.sampled_from(APPS), min_size=1))
    def create(self, where, apps):
        self._add(self.engine(where).storage.create_job(_data(apps, None)).id, apps, None)
        self.alike("create")

    @precondition(lambda self: self.living() and self.model.jobs)
    @rule(where=WHICH, which=WHICH)
    def start(self, where, which):
        engine, job = self.engine(where), self.job(which)
        assert engine.service.start_job(job.id) == self.model.start(engine, job.id)
        self.alike("start")

    @precondition(lambda self: self.living() and self.model.jobs)
    @rule(where=WHICH, which=WHICH)
    def cancel(self, where, which):
        engine, job = self.engine(where), self.job(which)
        assert engine.service.cancel_job(job.id) == self.model.cancel(job.id)
        self.alike("cancel")

    @precondition(lambda self: self.running())
    @rule(which=WHICH, verdict=ENDINGS)
    def end_task(self, which, verdict):
        job, task = self.running(which)
        job.owner.analyzer.end(task.id, verdict)
        task.end(verdict)
        self.model.settle()
        self.alike("end_task")

    @precondition(lambda self: self.running())
    @rule(verdicts=st.lists(ENDINGS, min_size=4, max_size=4))
    def end_all_that_run(self, verdicts):
        for number, (job, task) in enumerate(self.running_tasks()):
            verdict = verdicts[number % len(verdicts)]
            job.owner.analyzer.end(task.id, verdict)
            task.end(verdict)
        self.model.settle()
        self.alike("end_all_that_run")

    @precondition(lambda self: self.running())
    @rule(which=WHICH, percent=st.integers(0, 100))
    def come_further(self, which, percent):
        job, task = self.running(which)
        job.owner.analyzer.inside[task.id].context.progress(percent)
        storage = job.owner.storage
        assert wait_until(lambda: storage.get_task(task.id).progress == percent)
        self.alike("come_further")

    @precondition(lambda self: self.controlled_tasks())
    @rule(where=WHICH, which=WHICH)
    def cancel_task(self, where, which):
        self._control_task(where, which, "cancel_task", self.model.cancel_task)

    @precondition(lambda self: self.controlled_tasks())
    @rule(where=WHICH, which=WHICH)
    def requeue_task(self, where, which):
        self._control_task(where, which, "requeue_task", self.model.requeue)

    @precondition(lambda self: self.controlled_tasks())
    @rule(where=WHICH, which=WHICH, priority=st.integers(-3, 3))
    def set_priority(self, where, which, priority):
        engine, (job, task) = self.engine(where), self.controlled_task(which)
        if self._refuses_task(job, task, lambda: engine.storage.controls.set_priority(task.id, priority)):
            return
        task.priority = priority
        self.alike("set_priority")

    @precondition(lambda self: self.living() and self.model.jobs)
    @rule(where=WHICH, which=WHICH)
    def pause(self, where, which):
        self._pause(where, which, "pause", paused=True)

    @precondition(lambda self: self.living() and self.model.jobs)
    @rule(where=WHICH, which=WHICH)
    def resume(self, where, which):
        self._pause(where, which, "resume", paused=False)

    @precondition(lambda self: self.living() and self.model.jobs)
    @rule(where=WHICH, which=WHICH, limit=st.integers(1, 4))
    def set_max_tasks(self, where, which, limit):
        engine, job = self.engine(where), self.job(which)
        if self._refuses(job, lambda: engine.storage.controls.set_max_tasks(job.id, limit)):
            return
        job.max_tasks = limit
        self.model.settle()
        self.alike("set_max_tasks")

    @precondition(lambda self: self.living() and self.model.jobs)
    @rule(where=WHICH, which=WHICH, seconds=st.integers(1000, 2000))
    def set_timeout(self, where, which, seconds):
        engine, job = self.engine(where), self.job(which)
        if self._refuses(job, lambda: engine.storage.controls.set_timeout(job.id, seconds)):
            return
        self.alike("set_timeout")
        going_on = [task.id for task in (*job.running, *job.pending)]
        assert {engine.storage.get_task(task_id).timeout_seconds for task_id in going_on} <= {seconds}
        for task in [] if self.model.is_orphan(job) else job.running:
            remaining = job.owner.analyzer.inside[task.id].context.deadline.remaining()
            assert seconds - 300 < remaining <= seconds

    @precondition(lambda self: self.running())
    @rule(where=WHICH, which=WHICH, verdict=ENDINGS)
    def cancel_a_task_while_it_ends(self, where, which, verdict):
        """Two answers are right; what is not is that the job breaks, or that the task has two results."""
        engine, (job, task) = self.engine(where), self.running(which)
        job.owner.analyzer.end(task.id, verdict)
        with suppress(InvariantError):  # the task, or the whole job, has ended
            engine.storage.controls.cancel_task(task.id)
        found = wait_until(lambda: _ended(engine.storage.get_task(task.id)))
        assert found.status in {verdict.status, TaskStatus.CANCELLED}
        task.end(verdict)
        if found.status is not verdict.status:
            task.status, task.verdict = TaskStatus.CANCELLED, ""
        self.model.settle()
        self.alike("cancel while")

    @precondition(lambda self: self.running())
    @rule(where=WHICH, which=WHICH, verdict=ENDINGS)
    def requeue_one_that_waits_while_another_ends(self, where, which, verdict):
        engine, (job, task) = self.engine(where), self.running(which)
        waiting = [each for each in job.pending if each.priority <= task.priority]
        job.owner.analyzer.end(task.id, verdict)
        if waiting and not job.is_paused:
            engine.storage.controls.requeue_task(waiting[-1].id)
            waiting[-1].priority = min(each.priority for each in job.tasks) - 1
        task.end(verdict)
        self.model.settle()
        self.alike("requeue while")

    @precondition(lambda self: None in self.engines)
    @rule()
    def reopen(self):
        self._open(self.engines.index(None))
        self.alike("reopen")

    @precondition(lambda self: self.living() and self.calm > CALM)
    @rule(where=WHICH)
    def close(self, where):
        engine = self.engine(where)
        self.model.close(engine)
        engine.close()
        self.engines[self.engines.index(engine)] = None
        self.calm = 0
        self.alike("close")

    @precondition(lambda self: self.living() and self.calm > CALM)
    @rule(where=WHICH)
    def crash(self, where):
        engine = self.engine(where)
        self.model.crash(engine)
        engine.crash()
        self.engines[self.engines.index(engine)] = None
        self.calm = 0
        self.alike("crash")

    @precondition(lambda self: self.living() and any(map(self.model.is_orphan, self.model.jobs.values())))
    @rule(where=WHICH)
    def notice_the_dead(self, where):
        """Wait for a job of an engine that is dead."""
        engine = self.engine(where)
        orphans = self.model.interrupt()
        engine.service._looked_at = 0.0  # it looks once a second
        assert engine.service.wait(orphans[0], 20)
        self.alike("notice_the_dead")

    @precondition(lambda self: self.living() and self.model.jobs and len(self.model.jobs) < MOST_JOBS)
    @rule(where=WHICH, which=WHICH, retry=st.booleans(), at_once=st.booleans())
    def continue_job(self, where, which, retry, at_once):
        engine, job = self.engine(where), self.job(which)
        goes = engine.service.continue_job if at_once else engine.storage.continue_job
        if not self.model.can_continue(job.id, retry=retry):
            self._must_refuse(lambda: goes(job.id, retry=retry))
            return
        given = goes(job.id, retry=retry)
        new_id = given if at_once else given.id
        assert new_id > self.last[0], "an id is used twice"
        self.model.continue_job(job.id, new_id, retry=retry)
        if at_once:
            self.model.start(engine, new_id)
        self.alike("continue_job")

    @precondition(lambda self: self.living() and self.model.jobs)
    @rule(where=WHICH, which=WHICH)
    def delete(self, where, which):
        engine, job = self.engine(where), self.job(which)
        if job.goes_on:
            self._must_refuse(lambda: engine.storage.delete_job(job.id))
            return
        assert engine.storage.delete_job(job.id)
        assert not engine.storage.delete_job(job.id)
        del self.model.jobs[job.id]
        self.ended.pop(job.id, None)
        self.alike("delete")

    # -------------------------------------------------------------------------------------- what is there

    def living(self):
        return [engine for engine in self.engines if engine is not None]

    def engine(self, which):
        return self.living()[which % len(self.living())]

    def job(self, which):
        return list(self.model.jobs.values())[which % len(self.model.jobs)]

    def running_tasks(self):
        jobs = [job for engine in self.living() for job in self.model.running_jobs(engine)]
        return [(job, task) for job in jobs for task in job.running]

    def running(self, which=0):
        """Return a task that runs in a living engine, with its job; None: there is none."""
        found = self.running_tasks()
        return found[which % len(found)] if found else None

    def controlled_tasks(self):
        jobs = self.model.jobs.values() if self.living() else ()
        return [(job, task) for job in jobs if job.tasks for task in job.tasks if task.id]

    def controlled_task(self, which):
        """Return any task, but rather one that goes on."""
        found = self.controlled_tasks()
        good = [(job, task) for job, task in found if job.goes_on and not task.status.is_ended]
        among = good if good and which % 4 else found
        return among[which % len(among)]

    # ---------------------------------------------------------------------------------------- doing it

    def _open(self, number):
        base = make_apps(self.folder / "apps", {"m": APPS})
        engine = Engine(self.place / "store.db", base, MAX_JOBS[number])
        assert engine.interrupted == self.model.interrupt()
        self.engines[number] = engine
        self.model.open(engine)

    def _add(self, job_id, apps, limit):
        assert job_id > self.last[0], "an id is used twice"
        self.model.add(job_id, apps, limit)

    def _refuses(self, job, control):
        """Whether a control is refused, as it must be for a job that does not go on."""
        if job.goes_on:
            control()
            return False
        self._must_refuse(control)
        return True

    def _refuses_task(self, job, task, control):
        if job.status is JobStatus.RUNNING and not task.status.is_ended:
            control()
            return False
        self._must_refuse(control, EndedError if task.status.is_ended else InvariantError)
        return True

    def _must_refuse(self, call, error=InvariantError):
        with pytest.raises(error):
            call()
        self.alike("refused")

    def _control_task(self, where, which, name, on_model):
        engine, (job, task) = self.engine(where), self.controlled_task(which)
        if not self._refuses_task(job, task, lambda: getattr(engine.storage.controls, name)(task.id)):
            on_model(job, task)
            self.alike(name)

    def _pause(self, where, which, name, *, paused):
        engine, job = self.engine(where), self.job(which)
        changed = []
        if self._refuses(job, lambda: changed.append(getattr(engine.storage.controls, name)(job.id))):
            return
        assert changed == [job.is_paused != paused]
        job.is_paused = paused
        self.model.settle()
        self.alike(name)

    # ----------------------------------------------------------------------------------- the comparison

    def alike(self, name):
        """Wait until the engines are as the model says, then check all that must hold."""
        self.steps[name] += 1
        self.calm += 1
        if not self.living():
            return
        expected = self._expected()
        assert wait_until(lambda: self._found(self.living()[0]) == expected, self.patience), (
            f"after {name}: {_different(self._found(self.living()[0]), expected)}"
        )
        views = [check_store(engine.storage) for engine in self.living()]
        assert all(view == views[0] for view in views), "two engines see different things"
        self._learn(views[0])
        for engine in self.living():
            assert all(engine.has_heeded(job.id) for job in self.model.running_jobs(engine))
            assert len(engine.service._running_jobs) <= engine.max_jobs, "too many jobs run"
            for job_id, kept in views[0].items():
                _check_status(engine.service, job_id, kept.job)

    def _expected(self):
        jobs = {
            job.id: (job.status, job.is_paused, job.max_tasks, [_shown(task) for task in job.tasks])
            for job in self.model.jobs.values()
        }
        at_work = [
            sum(len(job.running) for job in self.model.running_jobs(engine)) for engine in self.living()
        ]
        waiting = [[job.id for job in self.model.queues[engine]] for engine in self.living()]
        return jobs, at_work, waiting, True

    def _found(self, through):
        jobs = {
            job.id: (
                job.status,
                job.paused,
                job.max_tasks,
                [_shown(task, task.app_num) for task in through.storage.get_tasks(job.id)],
            )
            for job in through.storage.get_jobs()
        }
        at_work = [engine.analyzer.at_work() for engine in self.living()]
        waiting = [
            [job for job in engine.service._waiting if jobs[job][0] is JobStatus.QUEUED]
            for engine in self.living()
        ]
        heeded = all(
            engine.has_heeded(job.id) for engine in self.living() for job in self.model.running_jobs(engine)
        )
        return jobs, at_work, waiting, heeded

    def _learn(self, view):
        """Give the model the ids of new tasks, and compare what ended before with what it was then."""
        before = self.last
        for job_id, kept in view.items():
            for mine, task in zip(self.model.jobs[job_id].tasks, kept.tasks, strict=True):
                assert mine.id == task.id or (mine.id == 0 and task.id > before[1]), "an id is used twice"
                mine.id = task.id
            ended = [task.id for task in kept.tasks if task.status.is_ended]
            assert len(kept.results) == len(ended)
            self.last = max(self.last[0], job_id), max([self.last[1], *(task.id for task in kept.tasks)])
            if kept.job.status.is_ended:
                assert self.ended.setdefault(job_id, kept) == kept, "what has ended was changed"
        for engine in self.living():
            ids = [task.id for job in self.model.running_jobs(engine) for task in job.running]
            assert sorted(engine.analyzer.inside) == sorted(ids), "other tasks run than the store says"


def _data(apps, limit):
    ranges = {"m": sorted(apps)}
    return {"models": ["m"], "app_ranges": ranges, "analysis_types": ["steered"], "max_tasks": limit}


def _shown(task, app=None):
    return (app or task.app, task.status, task.priority)


def _ended(task):
    return task if task.status.is_ended else None


def _different(found, expected):
    if found[0] == expected[0]:
        return f"{found[1:]} but {expected[1:]} (tasks at work, jobs that wait, controls heeded)"
    jobs = {job for job in {*found[0], *expected[0]} if found[0].get(job) != expected[0].get(job)}
    return {job: (found[0].get(job), "but expected", expected[0].get(job)) for job in jobs}


def _check_status(service, job_id, job):
    status = service.get_job_status(job_id)
    counts = {"total": job.total_tasks, "completed": job.completed_tasks}
    assert counts.items() <= status["progress"].items()
    assert status["progress"]["by_status"] == job.task_count_by_status
    assert status["results_summary"] == job.results_summary
    assert status["active_tasks_count"] == job.task_count_by_status.get("running", 0)
    assert 0 <= status["progress"]["percent"] <= 100
    assert status["job"]["status"] == job.status


def campaign(folder, steps, seed, patience=PATIENCE):
    """Take about so many steps; return how many of each kind were taken."""
    taken = Counter()

    class Seeded(Machine):
        pass

    folder.mkdir()
    Seeded.folder, Seeded.steps, Seeded.patience = folder, taken, patience
    run_state_machine_as_test(
        hypothesis.seed(seed)(Seeded),
        settings=settings(
            max_examples=steps // LENGTH,
            stateful_step_count=LENGTH,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
        _min_steps=LENGTH,
    )
    return taken


@pytest.fixture(autouse=True)
def _engines_look_often(monkeypatch):
    """What one engine wants of another's job is seen at once."""
    monkeypatch.setattr(task_runs, "LOOK_SECONDS", 0.01)


@pytest.mark.parametrize(
    "steps", [500, pytest.param(3_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_the_engines_do_what_the_model_says(tmp_path, steps, seed, figures):
    started = time.monotonic()
    taken = campaign(tmp_path / "machines", steps, seed)

    figures("steps of the state machine", taken.total())
    figures("of these with two things at the same moment", taken["cancel while"] + taken["requeue while"])
    figures("engines crashed", taken["crash"])
    figures("time", round(time.monotonic() - started, 1), "s")
    assert taken.total() > 0.8 * steps


# ------------------------------------------------------------------------- that it can fail: planted bugs


def _lose_results(monkeypatch):
    write = endings.write_results

    def write_some(db, job_id, ended):
        write(db, job_id, [each for each in ended if each.task.status is not TaskStatus.SKIPPED])

    monkeypatch.setattr(endings, "write_results", write_some)


def _leave_pending(monkeypatch):
    monkeypatch.setattr(storage, "cancel_pending", lambda db, job_id, tools: 0)


def _count_wrongly(monkeypatch):
    monkeypatch.setattr(endings, "_add_totals", lambda db, job_id, results: None)


def _change_the_ended(monkeypatch):
    copy = storage.continue_job

    def copy_and_mark(db, job_id, *, retry):
        db.execute("UPDATE jobs SET description = 'continued' WHERE id = ?", (job_id,))
        return copy(db, job_id, retry=retry)

    monkeypatch.setattr(storage, "continue_job", copy_and_mark)


def _run_too_many(monkeypatch):
    monkeypatch.setattr(Crew, "set_limit", lambda crew, limit: None)


def _forget_the_order(monkeypatch):
    fetch = Feed._fetch
    monkeypatch.setattr(Feed, "_fetch", lambda feed: fetch(feed)[::-1])


def _forget_a_waiting_job(monkeypatch):
    monkeypatch.setattr(service.BatchAnalysisService, "_start_next", lambda service: None)


def _use_ids_again(monkeypatch):
    delete = storage.JobStorage.delete_job

    def delete_all_of_it(store, job_id):
        done = delete(store, job_id)
        store._database.write(lambda db: db.execute("UPDATE sqlite_sequence SET seq = 0"))
        return done

    monkeypatch.setattr(storage.JobStorage, "delete_job", delete_all_of_it)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (_lose_results, "one result per ended task"),
        (_leave_pending, "with tasks that go on|after"),
        (_count_wrongly, "the summary is the sum of the results"),
        (_change_the_ended, "what has ended was changed"),
        (_run_too_many, "after"),
        (_forget_the_order, "after"),
        (_forget_a_waiting_job, "after"),
        (_use_ids_again, "an id is used twice"),
    ],
)
def test_a_planted_bug_is_found(tmp_path, monkeypatch, seed, plant, said):
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=said) as failure:
        campaign(tmp_path / "machines", 2_000, seed, patience=1.0)
    print(plant.__name__, "was found by:", str(failure.value).splitlines()[0][:300])
