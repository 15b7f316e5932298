"""The seed's functions, called directly with a plain context."""

import queue

import pytest
from gated import GatedAnalyzer, raises, report_of
from support import make_apps, result

from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.executor import TaskExecutor
from batchnb.engine.outcome import categorize
from batchnb.engine.storage import JobStorage
from batchnb.records import CoverageStatus, ErrorCategory, TaskStatus
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline


@pytest.fixture
def executor():
    storage = JobStorage()
    yield TaskExecutor(storage, AnalyzerRegistry(extra=[]).tools)
    storage.close()


@pytest.fixture
def analyzer(tmp_path):
    return GatedAnalyzer(make_apps(tmp_path / "apps", {"m": [1]}))


@pytest.fixture
def context(executor, analyzer):
    """Return the context of the specification: a plain dictionary with these six keys."""
    storage = executor._storage
    job = storage.create_job({"models": ["m"], "analysis_types": ["gated"]})
    return {
        "task": storage.create_task(job.id, "m", 1, "gated"),
        "job": job,
        "result_queue": queue.Queue(),
        "app_context": None,
        "services": {"gated_analyzer": analyzer},
        "progress_callback": lambda percent: None,
    }


def put(context):
    outcome = context["result_queue"].get_nowait()
    assert context["result_queue"].empty()
    return outcome


def test_success_puts_status_and_details(executor, context):
    assert executor.execute_gated_task(context) is None

    outcome = put(context)
    assert outcome["status"] == "completed"
    assert set(outcome["details"]) == {"issues", "summary", "tool_status"}
    assert [issue.rule for issue in outcome["details"]["issues"]] == ["B602"]
    assert outcome["details"]["summary"]["total"] == 1
    assert outcome["details"]["tool_status"] == {"gate": "ok"}


def test_an_error_puts_its_text_category_traceback_and_type(executor, context, analyzer):
    analyzer.scripts[1] = raises(TimeoutError("Network timeout"))

    executor.execute_gated_task(context)

    outcome = put(context)
    assert (outcome["status"], outcome["category"]) == ("failed", "timeout")
    assert outcome["error"] == "Gated analysis failed: Network timeout"
    assert "TimeoutError: Network timeout" in outcome["traceback"]
    assert outcome["details"] == {"error_type": "TimeoutError"}


@pytest.mark.parametrize("kind", ["frontend_security", "backend_security", "performance", "gpt4all", "zap"])
def test_every_function_of_the_specification_is_there_and_skips_what_has_no_analyzer(executor, context, kind):
    task = executor._storage.create_task(context["job"].id, "m", 2, kind)
    context = {**context, "task": task, "services": {}}

    getattr(executor, f"execute_{kind}_task")(context)

    outcome = put(context)
    assert (outcome["status"], outcome["category"]) == ("skipped", "dependency")
    assert outcome["error"] == f"{kind} not available"


def test_there_is_no_other_attribute(executor):
    with pytest.raises(AttributeError, match="no attribute 'execute'"):
        executor.execute  # noqa: B018 - looking is the test


def test_trouble_with_finding_the_app_is_put_too(executor, context, analyzer, monkeypatch):
    """The caller reads the queue: nothing that an analyzer does may leave it empty."""
    monkeypatch.setattr(analyzer, "find_app", raises(PermissionError("not yours")))

    executor.execute_gated_task(context)

    outcome = put(context)
    assert (outcome["status"], outcome["category"]) == ("failed", "permission")


def test_what_may_be_left_out_of_the_context_may_be(executor, context, analyzer):
    seen = {}

    def script(app, given):
        given.progress(10)
        (given.scratch / "x").write_text("mine")
        seen.update(scratch=given.scratch, left=given.deadline.remaining(), cancelled=given.cancel.cancelled)
        return report_of(app, CoverageStatus.OK)

    analyzer.scripts[1] = script
    executor.execute_gated_task({**context, "progress_callback": None})

    assert put(context)["status"] == "completed"
    assert 1_700 < seen["left"] <= 1_800
    assert seen["cancelled"] is False
    assert not seen["scratch"].exists()


def test_cancel_deadline_scratch_and_progress_are_the_callers(executor, context, analyzer, tmp_path):
    given, percents = [], []
    cancel, deadline = CancelToken(), Deadline.after(5)
    analyzer.scripts[1] = lambda app, context: (
        given.append(context),
        context.progress(30),
        report_of(app, CoverageStatus.OK),
    )[-1]

    extra = {
        "cancel": cancel,
        "deadline": deadline,
        "scratch": tmp_path,
        "progress_callback": percents.append,
    }
    executor.execute_gated_task({**context, **extra})

    assert given[0].cancel is cancel
    assert (given[0].deadline, given[0].scratch, percents) == (deadline, tmp_path, [30])


@pytest.mark.parametrize(
    ("states", "status", "words"),
    [
        (["ok", "failed"], "completed", None),
        (["partial"], "completed", None),
        (["not_applicable", "not_applicable"], "skipped", None),
        (["tool_missing", "not_applicable"], "skipped", "dependency"),
        (["tool_missing"], "skipped", "dependency"),
        (["failed", "tool_missing"], "failed", "analysis"),
        (["offline"], "failed", "analysis"),
    ],
)
def test_the_ending_follows_from_what_the_tools_did(executor, context, analyzer, states, status, words):
    from batchnb.records import AnalysisReport

    def script(app, given):
        cells = [
            report_of(app, CoverageStatus(state), tool=f"tool{number}").coverage[0]
            for number, state in enumerate(states)
        ]
        return AnalysisReport(issues=(), coverage=tuple(cells))

    analyzer.scripts[1] = script
    executor.execute_gated_task(context)

    outcome = put(context)
    assert (outcome["status"], outcome.get("category")) == (status, words)
    assert outcome["details"]["tool_status"] == {f"tool{n}": state for n, state in enumerate(states)}


def test_a_report_that_cannot_be_read_is_a_parse_error():
    assert categorize(ReportError("cut off")) is ErrorCategory.PARSE


def test_running_a_task_of_a_cancelled_job_never_starts_it(executor, context, analyzer):
    cancel = CancelToken()
    cancel.cancel()

    made = executor.run(context["task"].id, context["services"], cancel)

    assert made == result(
        id=1,
        job_id=1,
        task_id=1,
        model="m",
        app_num=1,
        analysis_type="gated",
        status=TaskStatus.CANCELLED,
        details={},
    )
    assert analyzer.calls == []
    assert [cell.status for cell in executor._storage.get_coverage(1)] == [CoverageStatus.CANCELLED]
