"""The commands that read results, on a store on the disk: what they print, what they write, how they exit."""

from __future__ import annotations

import re
import shutil

import pytest
from stores import add_job
from support import coverage, finding, make_apps, report

import batchnb
from batchnb.cli import main
from batchnb.cli.gate import gate
from batchnb.engine.storage import JobStorage
from batchnb.records import AnalysisReport, CoverageStatus, Severity, utc_now

HOSTILE = "a\x1b[2J\u202eb\nbatchnb: all is well"
APPS = {"m": [1, 2], "n": [1, 2]}


def issues(model, number, *rules):
    """Return one finding for each rule; an edited app has others."""
    at = {"model": model, "app_num": number}
    return [
        finding(**at, rule=rule, line=line, snippet=f"call_{rule}(input_{line})", message=HOSTILE)
        for line, rule in enumerate(rules, start=2)
    ]


def reports(found, status=CoverageStatus.OK):
    """Return a bandit run per app; `found`: model and number -> rules."""
    seen = {"files_seen": 1 if status.is_measured else 0, "status": status, "detail": HOSTILE}
    return {
        app: AnalysisReport(
            issues=tuple(issues(*app, *found.get(app, ()))),
            coverage=(coverage(model=app[0], app_num=app[1], **seen),),
        )
        for app in ((model, number) for model, numbers in APPS.items() for number in numbers)
    }


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Job 1: three findings; 2: one fixed, one new; 3: nothing measured; 4: runs; 5: clean."""
    base = make_apps(tmp_path_factory.mktemp("filled") / "apps", APPS, "x = 1\n" * 40)
    (base / ".batchnb").mkdir(mode=0o700)
    storage = JobStorage(base / ".batchnb" / "store.db")
    add_job(storage, reports({("m", 1): ["B602", "B301"], ("n", 2): ["B602"]}), name=HOSTILE)
    add_job(storage, reports({("m", 1): ["B602"], ("n", 2): ["B602"], ("n", 1): ["B307"]}), name=HOSTILE)
    add_job(storage, reports({}, CoverageStatus.TOOL_MISSING))
    add_job(storage, reports({("m", 1): ["B602"]}), ended=False)
    add_job(storage, reports({}))
    storage.close()
    return base


@pytest.fixture
def base(filled, tmp_path):
    return shutil.copytree(filled, tmp_path / "apps")


@pytest.fixture
def run(base, capsys):
    """Run a command on the store, and return its exit code, what it said, and its complaint."""

    def call(*arguments):
        code = main([*map(str, arguments), "--base", str(base)])
        said = capsys.readouterr()
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said.out + said.err)
        assert "\nbatchnb: all is well" not in said.out + said.err
        return code, said.out, said.err

    return call


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "jsonl", "sarif", "batchnb"])
def test_a_job_is_exported_as_the_name_says(run, tmp_path, ending):
    path = tmp_path / f"job.{ending}"

    assert run("export", 1, path) == (0, f"{path}\n", "")
    assert path.stat().st_size > 100


def test_the_frame_of_a_csv_file_is_chosen(run, tmp_path):
    assert run("export", 1, tmp_path / "c.csv", "--frame", "coverage")[0] == 0
    assert '"files_eligible"' in (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()[0]

    code, _, complaint = run("export", 1, tmp_path / "d.csv", "--frame", "covrage")
    assert (code, (tmp_path / "d.csv").exists()) == (2, False)
    assert "frame 'covrage' is not valid: known are jobs, tasks" in complaint


def test_a_report_with_a_baseline_goes_where_it_is_told_to_or_here(run, tmp_path, monkeypatch):
    assert run("report", 2, tmp_path / "r.html", "--baseline", 1) == (0, f"{tmp_path / 'r.html'}\n", "")
    assert "not re-measured" in (tmp_path / "r.html").read_text(encoding="utf-8")

    monkeypatch.chdir(tmp_path)
    assert run("report", 1)[0] == 0
    assert (tmp_path / "batchnb-job-1.html").stat().st_size > 1_000_000


def test_two_jobs_are_compared_by_model_and_in_words(run):
    code, said, _ = run("compare", 1, 2)

    assert code == 0
    assert said.splitlines()[0].split()[:5] == ["model", "new", "reopened", "moved", "unchanged"]
    assert [line.split()[:6] for line in said.splitlines()[1:3]] == [
        ["m", "0", "0", "0", "1", "1"],
        ["n", "1", "0", "0", "1", "0"],
    ]
    assert "4 findings: 1 new, 0 reopened, 0 moved, 2 unchanged, 1 fixed." in said


def test_what_was_not_measured_again_is_not_fixed(run):
    said = run("compare", 1, 3)[1]

    assert "0 fixed. 3 were not re-measured" in said


def test_what_was_there_before_the_earlier_job_is_reopened(run):
    assert "3 new, 0 reopened" in run("compare", 5, 2, "--earlier", 3)[1]
    assert "1 new, 2 reopened" in run("compare", 5, 2, "--earlier", 1)[1]


def test_models_are_compared_in_words_with_what_to_keep_in_mind(run):
    code, said, _ = run("models", 1)
    assert (code, said.splitlines()[0]) == (
        0,
        "2 models on 2 blocks (apps with the same number). Counted: findings.",
    )
    assert "Fewer reported is not fewer faults" in said

    assert "1 finding not counted: rule bandit:B301" in run("models", 1, "--without-rule", "bandit:B301")[1]
    assert "though their counts are lower bounds" in run("models", 1, "--use-partly")[1]
    code, _, complaint = run("models", 1, "--without-rule", "B999")
    assert (code, "'B999'" in complaint) == (2, True)


def test_a_summary_is_markdown_or_latex(run):
    code, said, _ = run("summary", 1)
    assert (code, said.splitlines()[0]) == (0, "# Summary")
    assert "| `bandit` | `B602` | high | 2 | 2 |" in said

    code, said, _ = run("summary", 1, "--latex")
    assert code == 0
    assert said.count(r"\toprule") == said.count(r"\end{table}") == 3


def test_decisions_are_made_listed_and_withdrawn(run, base):
    code, said, _ = run("triage", 1)
    assert code == 0
    rows = [line for line in said.splitlines() if re.match(r"\d+ high ", line)]
    assert [row.split("[")[0].strip() for row in rows] == [
        "1 high m app 1 backend/app.py:2",
        "2 high m app 1 backend/app.py:3",
        "3 high n app 2 backend/app.py:2",
    ]
    assert "No decision was made." in said

    why = ["--reason", HOSTILE, "--author", "ann", "--expires", "2999-01-01"]
    code, said, _ = run("decide", 1, "--finding", 1, 3, "--verdict", "accepted", *why)
    assert (code, len(said.splitlines())) == (0, 2)
    assert said.startswith("decision 1: accepted until 2999-01-01, active, by ann: ")

    later = run("triage", 2)[1]
    assert "2 accepted, 0 confirmed, 1 undecided. Open (undecided or confirmed): 1." in later
    assert "decision 1: accepted until 2999-01-01, active, holds for 1 consensus finding, by ann" in later

    assert run("withdraw", 1, "--reason", "oops") == (0, "decision 1 is withdrawn\n", "")
    assert "decision 1: accepted until 2999-01-01, withdrawn, by ann" in run("triage", 2)[1]
    assert "withdrawn already" in run("withdraw", 1, "--reason", "oops")[2]
    with batchnb.open(base) as workspace:
        assert workspace.decisions["state"].tolist() == ["withdrawn", "active"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["decide", 1, "--finding", 4], "finding 4 (from --finding) is not valid: job 1 has 1 to 3"),
        (["decide", 1, "--finding", 0], "finding 0 (from --finding) is not valid: job 1 has 1 to 3"),
        (["decide", 5, "--finding", 1], "job 5 has none, as the job has no findings"),
        (["decide", 4, "--finding", 1], "job 4 is not valid: it is "),
        (["decide", 1, "--finding", 1, "--expires", "soon"], "expires 'soon'"),
        (["decide", 7, "--finding", 1], "there is no job 7"),
    ],
)
def test_a_decision_that_cannot_be_made_is_refused_and_none_is_kept(run, base, arguments, complaint):
    code, said, complained = run(*arguments, "--verdict", "confirmed", "--reason", "because")

    assert (code, said) == (2, "")
    assert complaint in complained
    with batchnb.open(base) as workspace:
        assert workspace.decisions.empty


def test_a_job_is_deleted_and_decisions_stay(run, base):
    assert run("decide", 1, "--finding", 1, "--verdict", "confirmed", "--reason", "seen")[0] == 0
    assert run("delete", 1) == (0, "job 1 is deleted\n", "")

    code, _, complaint = run("delete", 1)
    assert (code, complaint) == (2, "batchnb: there is no job 1 in this store\n")
    with batchnb.open(base) as workspace:
        assert workspace.jobs["job_id"].tolist() == [2, 3, 4, 5]
        assert len(workspace.decisions) == 1


class TestGate:
    """`--fail-on`: 0 only if everything was measured, and nothing of this severity is open."""

    @pytest.fixture
    def judge(self, base):
        def call(job, level="high"):
            with batchnb.open(base) as workspace:
                code, why = gate(workspace.attach(job), level)
            return code, why.splitlines()

        return call

    def test_what_is_open_fails_it(self, judge, run, tmp_path):
        told = "gate: 3 open consensus findings of severity high or worse"
        assert judge(1) == (3, [told])
        path = tmp_path / "r.html"
        assert run("report", 1, path, "--fail-on", "high") == (3, f"{path}\n{told}\n", "")

    def test_nothing_found_in_what_was_measured_passes_it(self, judge):
        assert judge(5) == (0, ["gate: 0 open consensus findings of severity high or worse"])

    def test_nothing_measured_fails_it_and_is_told(self, judge):
        code, lines = judge(3)

        assert code == 4
        assert lines[1] == "gate: nothing was measured"
        assert "bandit of backend_security, tool missing: m app 1-2; n app 1-2" in lines[2]

    def test_triage_settles_what_is_open_until_it_is_withdrawn(self, judge, run):
        assert run("decide", 1, "--finding", 1, 2, 3, "--verdict", "accepted", "--reason", "ours")[0] == 0
        assert judge(1)[0] == 0
        assert run("withdraw", 2, "--reason", "no longer")[0] == 0
        assert judge(1) == (3, ["gate: 1 open consensus finding of severity high or worse"])

    def test_what_is_less_severe_passes_a_higher_level(self, judge, base):
        storage = JobStorage(base / ".batchnb" / "store.db")
        low = finding(model="m", app_num=1, severity=Severity.LOW)
        job_id = add_job(storage, {("m", 1): report(low, model="m", app_num=1)})
        storage.close()

        assert judge(job_id, "medium")[0] == 0
        assert judge(job_id, "low")[0] == 3

    def test_an_unread_file_and_a_task_that_waits_are_unknown(self, judge, base):
        storage = JobStorage(base / ".batchnb" / "store.db")
        job_id = storage.create_job({"name": "partly", "models": ["m"]}).id
        task_id, _ = storage.create_tasks(job_id, [(*("m", number), "backend_security") for number in (1, 2)])
        storage.update_task(task_id, lambda task: task.start(utc_now()))
        told = report(model="m", app_num=1, status=CoverageStatus.PARTIAL, files_eligible=2)
        storage.finish_task(task_id, lambda task: task.complete({"a": 1}, utc_now()), told)
        storage.close()

        code, lines = judge(job_id)
        assert code == 4
        assert any("m app 1" in line for line in lines)
        assert any("m app 2" in line for line in lines)
