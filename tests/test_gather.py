"""From a workspace to everything that can be made of its results, as a user types it."""

from __future__ import annotations

import pytest
from pandas.testing import assert_frame_equal
from support import FAULT, make_apps, write

import batchnb
from batchnb.records.errors import EndedError, InvalidValueError, RecordNotFoundError

pytestmark = pytest.mark.tool


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_apps(tmp_path_factory.mktemp("apps"), {"atlas": [1, 2], "birch": [1, 2]})


@pytest.fixture(scope="module")
def ws(base, tmp_path_factory):
    with batchnb.open(base, store=tmp_path_factory.mktemp("store") / "s.db") as made:
        yield made


@pytest.fixture(scope="module")
def job(ws):
    return ws.run(analyses=["backend_security"], options={"backend_security": {}}).wait()


def test_the_frames_are_those_of_the_dataset(job):
    data = job.dataset
    assert set(data.models) == {"atlas", "birch"}
    for name in ("tasks", "results", "findings", "coverage", "measurements"):
        assert_frame_equal(getattr(job, name), data.frames[name])
    assert len(data.portfolio) == 4
    assert data.provenance["portfolio"] == {
        "name": data.provenance["portfolio"]["name"],
        "models": ["atlas", "birch"],
        "apps": 4,
    }
    assert data.provenance["versions"]["batchnb"]
    assert set(data.provenance["jobs"]) == {str(job.id)}


def test_three_tools_make_one_consensus_finding_per_app(job):
    worst = job.consensus
    worst = worst[(worst["path"] == "backend/app.py") & (worst["n_tools"] > 1)]
    assert len(worst) == 4
    assert {"bandit", "ruff"} <= set(worst["tools"].iloc[0].split(", "))


def test_a_bundle_and_sarif_give_everything_back(job, tmp_path):
    again = batchnb.load(job.export(tmp_path / "job.batchnb"))
    sarif = batchnb.read_sarif(job.export(tmp_path / "job.sarif"))
    for name, frame in job.dataset.frames.items():
        assert_frame_equal(again.frames[name], frame)
        assert_frame_equal(sarif.frames[name], frame)
    digests = again.provenance["app_digests"]["apps"]
    assert set(digests) == {"atlas/app1", "atlas/app2", "birch/app1", "birch/app2"}
    assert digests["atlas/app1"] == digests["birch/app2"]  # the same files
    with pytest.raises(InvalidValueError, match=r"\.sarif"):
        job.export(tmp_path / "job.docx")


def test_a_decision_holds_for_the_next_job_and_can_be_withdrawn(ws, job, base):
    row = job.consensus.iloc[0]
    made = ws.decide(row, "false_positive", reason="input of a test", author="ann", expires="2999-01-01")
    assert list(made["state"]) == ["active"]
    later = ws.run(analyses=["backend_security"]).wait()
    decided = later.triage.consensus
    assert list(decided["verdict"].dropna()) == ["false_positive"]
    assert len(ws.decisions) == 1
    ws.withdraw(int(made["decision_id"].iloc[0]), reason="a mistake", author="ben")
    assert later.triage.consensus["verdict"].isna().all()
    assert list(ws.decisions["state"]) == ["withdrawn"]
    with pytest.raises(EndedError):
        ws.withdraw(int(made["decision_id"].iloc[0]), reason="again", author="ben")
    with pytest.raises(InvalidValueError, match="finding"):
        ws.decide(job.tasks, "confirmed", reason="no finding")
    with pytest.raises(InvalidValueError, match="verdict"):
        ws.decide(row, "fine", reason="x")


def test_what_was_mended_is_fixed_and_what_was_not_looked_at_is_not(ws, base):
    before = ws.run(analyses=["backend_security"]).wait()
    write(base / "atlas" / "app1" / "backend" / "app.py", "x = 1\n" * 20)
    try:
        after = ws.run(models=["atlas"], analyses=["backend_security"]).wait()
    finally:
        write(base / "atlas" / "app1" / "backend" / "app.py", FAULT)
    states = batchnb.compare(before, after).frame
    by_app = {
        key: set(rows["state"])
        for key, rows in states[states["path_before"] == "backend/app.py"].groupby(
            ["model", "app_num"], observed=True
        )
    }
    assert by_app[("atlas", 1)] == {"fixed"}
    assert by_app[("atlas", 2)] == {"unchanged"}
    assert by_app[("birch", 1)] == {"not re-measured"}


def test_jobs_are_put_together(ws, job):
    assert set(ws.dataset([job]).jobs["job_id"]) == {job.id}
    assert len(ws.dataset().jobs) == len(ws.jobs)
    with pytest.raises(RecordNotFoundError):
        ws.dataset([999])
    assert batchnb.systemic(job, by="rule")["apps_with"].max() == 2


def test_reports_of_every_kind(ws, job, tmp_path):
    other = ws.run(models=["atlas"], analyses=["backend_security"]).wait()
    html = other.report(tmp_path / "r.html", baseline=job, title="<b>").read_text(encoding="utf-8")
    assert "not re-measured" in html
    assert "<title>&lt;b&gt;" in html
    assert "| `atlas` |" in batchnb.markdown_summary(job)
    assert any("toprule" in table for table in batchnb.latex_tables(job).values())
    assert "blocks" in batchnb.compare_models(job).text
