"""From rows that somebody points at to decisions: what they are about, and what is refused."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest
from triage_cases import DAY, NOW, SHELL, SQL, App, dataset, decide

from batchnb.engine.storage import JobStorage
from batchnb.records import CoverageStatus, Verdict
from batchnb.records.decision import MAX_MESSAGE, code_key
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.results.dataset import Dataset
from batchnb.results.decisions.deciding import make_decisions
from batchnb.results.decisions.triage import apply_decisions
from batchnb.results.identity.consensus import consensus

SOURCE = dataset(
    App().sql(5, "bandit", "ruff").add("bandit", "B602", 40, SHELL, cwe=78),
    App(app_num=2).sql(9, "ruff"),
    App(model="birch").sql(9, "bandit"),
)


def row(tool, app_num=1, model="atlas", source=SOURCE):
    found = source.findings
    return found[(found["tool"] == tool) & (found["app_num"] == app_num) & (found["model"] == model)].iloc[0]


def tools(decision):
    return sorted(member.tool for member in decision.members)


def test_a_row_of_one_tool_stands_for_the_whole_fault():
    (by_bandit,), (by_ruff,) = decide(SOURCE, row("bandit")), decide(SOURCE, row("ruff"))
    assert by_bandit == by_ruff
    assert tools(by_bandit) == ["bandit", "ruff"]
    assert (by_bandit.model, by_bandit.app_num, by_bandit.verdict) == ("atlas", 1, Verdict.FALSE_POSITIVE)
    assert (by_bandit.decided_at, by_bandit.expires_at, by_bandit.withdrawn_at) == (NOW, None, None)
    assert by_bandit.message == "bandit says so"


def test_a_row_of_the_consensus_frame_is_the_same():
    table = consensus(SOURCE)
    for number in range(len(table)):
        (decision,) = decide(SOURCE, table.iloc[number])
        assert ", ".join(tools(decision)) == table.iloc[number]["tools"]
    assert len(decide(SOURCE, table)) == len(table) == 4


def test_rows_of_a_triage_are_taken_as_well():
    triage = apply_decisions(SOURCE, [])
    assert decide(SOURCE, triage.findings) == decide(SOURCE, triage.consensus) == decide(SOURCE)


def test_several_rows_give_one_decision_for_each_fault():
    decisions = decide(SOURCE)
    assert [(each.model, each.app_num, tools(each)) for each in decisions] == [
        ("atlas", 1, ["bandit", "ruff"]),
        ("atlas", 1, ["bandit"]),
        ("atlas", 2, ["ruff"]),
        ("birch", 1, ["bandit"]),
    ]


def test_rows_may_come_sorted_filtered_and_with_other_indexes():
    rows = SOURCE.findings.sort_values("tool").query("app_num == 1").reset_index(drop=True)
    assert len(decide(SOURCE, rows)) == 3
    assert decide(SOURCE, rows.set_index(pd.Index(["a", "b", "c", "d"]))) == decide(SOURCE, rows)


def test_the_same_fault_in_two_jobs_is_decided_about_once():
    both = dataset(App().sql(5, "bandit"), App(job_id=2).sql(7, "bandit"))
    assert len(decide(both)) == 1


def test_what_a_member_remembers():
    source = dataset(
        App().sql(3, "bandit").sql(30, "bandit").sql(5, "bandit", path="backend/db.py").sql(9, "ruff")
    )
    second = source.findings.query("line == 30").iloc[0]
    (decision,) = decide(source, second)
    (member,) = decision.members
    assert (member.tool, member.rule, member.path, member.line, member.cwe) == (
        "bandit",
        "B608",
        "backend/app.py",
        30,
        89,
    )
    assert (member.fingerprint, member.clone_key) == (second["fingerprint"], second["clone_key"])
    assert member.code == code_key(SQL)
    assert (member.nth_in_file, member.alike_in_file, member.alike_in_app) == (2, 2, 3)


def test_what_was_not_read_is_not_counted():
    app = App().sql(3, "bandit").covered(bandit=CoverageStatus.PARTIAL)
    assert decide(dataset(app))[0].members[0].alike_in_app is None


def test_one_place_that_two_analyses_report_is_one_place():
    app = App().sql(3, "bandit")
    twice = [*app.findings, *App().sql(3, "bandit", analysis_type="other").findings]
    source = Dataset.from_records(findings=twice, coverage=app.coverage)
    (decision, *_) = decide(source)
    assert [(each.alike_in_file, each.alike_in_app) for each in decision.members] == [(1, 1)]
    assert apply_decisions(source, [decision], now=NOW).findings["verdict"].notna().all()


def test_a_long_message_is_cut():
    source = dataset(App().sql(3, "bandit", message="x" * 5_000))
    assert len(decide(source)[0].message) == MAX_MESSAGE


@pytest.mark.parametrize(
    ("expires", "at"),
    [
        (None, None),
        ("2027-01-01", datetime(2027, 1, 1, tzinfo=UTC)),
        (date(2027, 1, 1), datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T12:00+02:00", datetime(2027, 1, 1, 10, tzinfo=UTC)),
        (datetime(2027, 1, 1, 12, tzinfo=timezone(2 * DAY / 24)), datetime(2027, 1, 1, 10, tzinfo=UTC)),
        (pd.Timestamp("2027-01-01", tz="UTC"), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_until_when_it_holds(expires, at):
    assert decide(SOURCE, row("bandit"), expires=expires)[0].expires_at == at


@pytest.mark.parametrize(
    "expires",
    ["soon", "", "2027-13-01", "2027-01-01T12:00", datetime(2027, 1, 1), 30, timedelta(days=3), pd.NaT],  # noqa: DTZ001
)
def test_an_end_that_is_none_is_named(expires):
    with pytest.raises(InvalidValueError) as caught:
        decide(SOURCE, row("bandit"), expires=expires)
    assert f"expires {expires!r}" in str(caught.value)
    assert "such as 2027-01-01" in str(caught.value)


@pytest.mark.parametrize("expires", ["2026-05-04", "2020-01-01"])
def test_an_end_in_the_past_is_refused(expires):
    with pytest.raises(InvalidValueError, match="later than 2026-05-04"):
        decide(SOURCE, row("bandit"), expires=expires)


@pytest.mark.parametrize("verdict", ["safe", "", None, "FALSE_POSITIVE", ["accepted"]])
def test_an_unknown_verdict_is_told_the_known_ones(verdict):
    with pytest.raises(UnknownNameError, match="known are false_positive, accepted, confirmed"):
        decide(SOURCE, row("bandit"), verdict)


@pytest.mark.parametrize(
    ("name", "value"), [("reason", ""), ("reason", " \n"), ("author", ""), ("reason", None)]
)
def test_a_reason_and_an_author_are_needed(name, value):
    with pytest.raises(InvalidValueError, match=name):
        decide(SOURCE, row("bandit"), **{name: value})


@pytest.mark.parametrize(
    "rows",
    [
        [],
        "B608",
        3,
        SOURCE.findings.iloc[:0],
        SOURCE.coverage,
        SOURCE.findings[["model", "app_num", "tool"]],
        row("bandit").drop("fingerprint"),
    ],
)
def test_what_is_no_row_of_a_finding_is_refused(rows):
    with pytest.raises(InvalidValueError, match="of the findings or the consensus frame") as caught:
        decide(SOURCE, rows)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("frame", ["findings", "consensus"])
def test_a_row_of_another_run_is_refused_and_named(frame):
    other = dataset(App(job_id=7).sql(5, "bandit"))
    rows = other.findings if frame == "findings" else consensus(other)
    with pytest.raises(InvalidValueError, match="job_id 7, model atlas, app_num 1"):
        decide(SOURCE, rows)
    mixed = pd.concat([SOURCE.findings, other.findings])
    with pytest.raises(InvalidValueError, match="job_id 7"):
        decide(SOURCE, mixed)


def test_something_else_than_a_job_or_a_dataset_is_refused():
    with pytest.raises(InvalidValueError, match="a Job or a Dataset"):
        decide(type("Source", (), {"findings": SOURCE.findings})())


def test_a_store_takes_them_and_gives_them_back_as_they_were():
    source = dataset(App(model="m\u202e").sql(5, "bandit", path="b\ud800.py", message="x\ud800\x00"))
    made = make_decisions(
        source.findings, source, "accepted", reason="r\ud800", author="ada", expires="2999-01-01"
    )
    with closing(JobStorage()) as storage:
        storage.decisions.add_all(made)
        kept = storage.decisions.all()
    triage = apply_decisions(source, kept)
    assert triage.findings["verdict"].tolist() == ["accepted"]
    assert triage.findings["decision_id"].tolist() == [1]
