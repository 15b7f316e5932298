"""Comparing two runs: every state, and above all what nobody can say."""

import json
from dataclasses import replace

import pytest
from factories import HOSTILE, coverage, finding, task

from batchnb.records import CoverageStatus, TaskStatus, UnreadFile
from batchnb.records.errors import InvalidValueError
from batchnb.results.dataset import Dataset
from batchnb.results.drawing.comparison import (
    comparison_chart,
    comparison_figure,
    comparison_info,
    comparison_text,
)
from batchnb.results.identity.compare import compare
from batchnb.results.identity.comparison import COMPARISON, COUNTS, Change

QUERY, OTHER = "query = 'SELECT ' + name", "os.system(command + argument)"


def seen(identity="a", **changes):
    return finding("m", **{"app_num": 1, "line": 10, "snippet": QUERY, "fingerprint": identity, **changes})


def run(*findings, cells=None, tasks=()):
    cells = [coverage("m"), coverage("m", tool="ruff")] if cells is None else cells
    return Dataset.from_records(findings=findings, coverage=cells, tasks=tasks)


def states(*args, **more):
    return compare(*args, **more).frame["state"].tolist()


def test_each_state():
    before = run(
        seen("stays"),
        seen("goes", line=50, snippet=OTHER),
        seen("moves", line=90, snippet="x = yaml.load(y)"),
    )
    after = run(
        seen("stays", line=14),
        seen("moved", path="backend/io.py", snippet="x = yaml.load(y)"),
        seen("comes", line=300, snippet="return eval(formula, names)"),
        seen("again", line=400, snippet="hashlib.md5(secret.encode())"),
    )
    earlier = run(seen("again", line=3, snippet="hashlib.md5(secret.encode())"))
    made = compare(before, after, earlier=[earlier])
    found = dict(zip(made.frame["fingerprint"], made.frame["state"], strict=True))
    assert found == {
        "stays": Change.UNCHANGED,
        "moved": Change.MOVED,
        "comes": Change.NEW,
        "again": Change.REOPENED,
        "goes": Change.FIXED,
    }
    assert made.totals == {change: 1 if change in found.values() else 0 for change in Change}
    moved = made.frame[made.frame["state"] == Change.MOVED].iloc[0]
    assert (moved["path_before"], moved["path_after"]) == ("backend/app.py", "backend/io.py")
    stays = made.frame[made.frame["state"] == Change.UNCHANGED].iloc[0]
    assert (stays["line_before"], stays["line_after"]) == (10, 14)
    assert made.before.findings.loc[stays["row_before"], "fingerprint"] == "stays"
    assert made.after.findings.loc[stays["row_after"], "fingerprint"] == "stays"


NOT_MEASURED = {
    "the tool is missing": [coverage("m", status=CoverageStatus.TOOL_MISSING)],
    "the tool failed": [coverage("m", status=CoverageStatus.FAILED, detail="exit code 2")],
    "the tool timed out": [coverage("m", status=CoverageStatus.TIMED_OUT)],
    "the tool was cancelled": [coverage("m", status=CoverageStatus.CANCELLED)],
    "its data were offline": [coverage("m", status=CoverageStatus.OFFLINE)],
    "another tool only": [coverage("m", tool="ruff")],
    "another app only": [coverage("m", 2)],
    "another model only": [coverage("n")],
    "nothing at all": [],
    "the file was not read": [
        coverage(
            "m", status=CoverageStatus.PARTIAL, unread=(UnreadFile(path="backend/app.py", reason="syntax"),)
        )
    ],
    "files not named were not read": [coverage("m", status=CoverageStatus.PARTIAL, files_seen=1)],
    "the whole report is in doubt": [coverage("m", status=CoverageStatus.PARTIAL, files_seen=6, unread=())],
}


@pytest.mark.parametrize("cells", NOT_MEASURED.values(), ids=NOT_MEASURED)
def test_what_was_not_measured_is_neither_fixed_nor_new(cells):
    full, empty = run(seen()), run(cells=cells)
    gone, appeared = compare(full, empty), compare(empty, full)
    assert gone.frame["state"].tolist() == [Change.NOT_REMEASURED]
    assert appeared.frame["state"].tolist() == [Change.NOT_MEASURED_BEFORE]
    assert gone.frame["reason"].notna().all()
    assert appeared.frame["reason"].notna().all()
    assert gone.totals[Change.FIXED] == appeared.totals[Change.NEW] == 0
    assert "may still be there" in gone.text


def test_a_file_that_was_read_is_fixed_though_another_was_not():
    partial = coverage(
        "m",
        status=CoverageStatus.PARTIAL,
        files_seen=5,
        unread=(UnreadFile(path="backend/b.py", reason="syntax"),),
    )
    assert states(run(seen()), run(cells=[partial])) == [Change.FIXED]
    assert states(run(seen(path="backend/b.py")), run(cells=[partial])) == [Change.NOT_REMEASURED]


def test_an_app_that_has_no_such_file_any_more_has_the_finding_fixed():
    assert states(run(seen()), run(cells=[coverage("m", status=CoverageStatus.NOT_APPLICABLE)])) == [
        Change.FIXED
    ]


def test_a_finding_does_not_move_out_of_a_file_that_is_still_there_unread():
    unread = coverage(
        "m",
        status=CoverageStatus.PARTIAL,
        files_seen=5,
        unread=(UnreadFile(path="backend/app.py", reason="syntax"),),
    )
    after = run(seen("other", path="backend/b.py"), cells=[unread])
    assert states(run(seen()), after) == [Change.NEW, Change.NOT_REMEASURED]


def test_a_task_that_never_came_to_report_measured_nothing():
    late = run(cells=[], tasks=[task(1, "m", 1, TaskStatus.PENDING)])
    made = compare(run(seen()), late)
    assert made.frame["state"].tolist() == [Change.NOT_REMEASURED]
    assert made.frame["reason"].tolist() == ["the tool did not report"]


def test_a_second_equal_one_is_not_reopened_because_the_first_was_there():
    both = run(seen("a"), seen("b", line=200))
    assert states(run(seen("a")), both, earlier=[run(seen("a"))]) == [Change.NEW, Change.UNCHANGED]


def test_a_changed_severity_is_told():
    made = compare(run(seen(severity="low")), run(seen(severity="high")))
    row = made.frame.iloc[0]
    assert (row["severity_before"], row["severity"], row["severity_change"]) == ("low", "high", "raised")
    back = compare(run(seen(severity="high")), run(seen(severity="low")))
    assert back.frame["severity_change"].tolist() == ["lowered"]
    assert compare(run(seen()), run(seen())).frame["severity_change"].isna().all()


def test_another_version_of_a_tool_is_told():
    newer = run(seen(), cells=[coverage("m", tool_version="2.0"), coverage("m", tool="skylos")])
    made = compare(run(seen()), newer)
    assert made.notes[0].startswith("bandit was 1.9.1 before and is 2.0 now")
    assert "ruff" in made.notes[1]
    assert made.notes[0] in made.text
    assert compare(run(seen()), run(seen())).notes == ()


def test_apps_and_models_stay_apart():
    before = Dataset.from_records(
        findings=[finding("m", 1), finding("n", 1)], coverage=[coverage("m"), coverage("n")]
    )
    after = Dataset.from_records(findings=[finding("m", 1)], coverage=[coverage("m"), coverage("n")])
    made = compare(before, after)
    assert made.counts.set_index("model")["fixed"].to_dict() == {"m": 0, "n": 1}
    assert made.counts.set_index("model")["unchanged"].to_dict() == {"m": 1, "n": 0}


def test_of_several_jobs_the_newest_counts():
    two = Dataset.from_records(
        findings=[seen("old", job_id=1, snippet=OTHER), seen("a", job_id=2)],
        coverage=[coverage("m", job_id=1), coverage("m", job_id=2)],
    )
    assert states(two, run(seen("a"))) == [Change.UNCHANGED]


def test_a_run_compared_with_itself_is_unchanged_and_turned_round_it_mirrors():
    from factories import batch

    _, findings, cells = batch()
    data = Dataset.from_records(findings=findings, coverage=cells)
    assert set(states(data, data)) == {Change.UNCHANGED}
    half = replace(data, findings=data.findings.iloc[::2].reset_index(drop=True))
    there, back = compare(data, half), compare(half, data)
    assert there.totals[Change.FIXED] == back.totals[Change.NEW]
    assert there.totals[Change.UNCHANGED] == back.totals[Change.UNCHANGED] == len(half.findings)


def test_nothing_to_compare_has_the_columns():
    made = compare(run(), run())
    assert list(made.frame.columns) == [column.name for column in COMPARISON]
    assert list(made.counts.columns) == [column.name for column in COUNTS]
    assert made.text == "Neither run has a finding to compare."
    assert comparison_chart(made) is not None


def test_a_wrong_argument_is_named():
    with pytest.raises(InvalidValueError, match="Job or a Dataset"):
        compare(run(), "yesterday")


# ------------------------------------------------------------------------------------------- the chart


def chart_data():
    return compare(
        run(seen("a"), seen("b", line=90, snippet=OTHER), seen("c", tool="skylos", line=200)),
        run(seen("a"), seen("d", line=400, snippet="eval(x, y, z)")),
    )


def test_the_chart_says_what_the_frame_says():
    made = chart_data()
    info = comparison_info(made)
    assert {change: info.rows[0].counts[change] for change in Change} == made.totals
    figure = json.loads(comparison_figure(info).to_json())
    bars = {trace["name"]: trace for trace in figure["data"]}
    assert bars["new"]["x"] == [1]
    assert bars["fixed"]["x"] == [1]
    assert bars["not re-measured"]["marker"]["pattern"]["shape"] == "/"
    assert "reopened" not in bars
    assert "1 not re-measured" in bars["hover"]["hovertext"][0]
    assert "1 new" in comparison_text(info)


def test_hostile_texts_are_data_in_the_chart():
    models = [text.replace("\ud800", "") for text in HOSTILE]
    findings = [finding(model, fingerprint="f") for model in models]
    cells = [coverage(model, tool_version=HOSTILE[0]) for model in models]
    made = compare(
        Dataset.from_records(findings=findings, coverage=cells),
        Dataset.from_records(coverage=[coverage(model, tool_version="1") for model in models]),
    )
    text = comparison_chart(made).to_json()
    assert "<script" not in text
    assert "\\u003cscript" not in text
    assert "<img" not in text
