"""Consensus: what is merged is one fault, on labelled findings; what is two faults stays two."""

import json
import time
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
from factories import coverage, finding

from batchnb.records import CoverageStatus, Finding, Severity, UnreadFile, fingerprint
from batchnb.results.dataset import Dataset
from batchnb.results.identity.agreement import AGREEMENT, agreement
from batchnb.results.identity.consensus import CONSENSUS, consensus, members

CORPORA = Path(__file__).parents[2] / "corpora"
LABELLED = [json.loads(line) for line in (CORPORA / "portfolio_findings.jsonl").read_text().splitlines()]
CASES = json.loads((CORPORA / "consensus_cases.json").read_text())


def labelled(row, number):
    values = {key: value for key, value in row.items() if key != "fault"}
    values.update(severity=Severity(row["severity"]), tags=tuple(row["tags"]))
    identity = fingerprint(row["tool"], row["rule"], row["path"], row["snippet"], number)
    return Finding(**values, fingerprint=identity)


def in_case(case, app_num):
    return [
        {
            **row,
            "model": "cases",
            "app_num": app_num,
            "analysis_type": "backend_security",
            "severity": "medium",
            "path": "app.py",
            "message": case["name"],
            "tags": [],
            "fault": f"{case['name']} {row['fault']}",
        }
        for row in case["findings"]
    ]


def dataset(rows):
    """Return the findings in their frame's order, and the fault of each."""
    made = Dataset.from_records(findings=[labelled(row, number) for number, row in enumerate(rows)])
    by_identity = {
        fingerprint(row["tool"], row["rule"], row["path"], row["snippet"], number): row["fault"]
        for number, row in enumerate(rows)
    }
    return made, [by_identity[identity] for identity in made.findings["fingerprint"]]


def merges(rows):
    """Return the pairs of one app that are one fault by label, and those that the consensus merges."""
    made, faults = dataset(rows)
    ids = members(made).tolist()
    apps = list(zip(made.findings["model"], made.findings["app_num"], strict=True))
    pairs = [(a, b) for a, b in combinations(range(len(ids)), 2) if apps[a] == apps[b]]
    return {p for p in pairs if faults[p[0]] == faults[p[1]]}, {p for p in pairs if ids[p[0]] == ids[p[1]]}


def test_merges_are_right_on_the_labelled_findings(capsys):
    rows = LABELLED + [row for n, case in enumerate(CASES, start=1) for row in in_case(case, n)]
    true, merged = merges(rows)
    precision, recall = len(true & merged) / len(merged), len(true & merged) / len(true)
    with capsys.disabled():
        print(
            f"\n{len(rows)} findings, {len(true)} true pairs: precision {precision:.4f}, recall {recall:.4f}"
        )
    assert precision >= 0.99
    assert recall >= 0.95


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_nothing_is_swallowed_in_a_hard_case(case):
    true, merged = merges(in_case(case, 1))
    assert merged <= true
    if case["name"] != "made far above":  # the window does not reach, and says so by staying apart
        assert merged == true


def test_the_frame_tells_the_evidence():
    rows = [row for row in LABELLED if row["fault"] == "atlas-4.app2.5"]
    made = consensus(dataset(rows)[0])
    assert len(made) == 1
    row = made.iloc[0]
    assert (row["tools"], row["n_tools"], row["n_findings"]) == ("bandit, ruff, skylos", 3, 3)
    assert (row["severity"], row["cwe"], row["line"], row["end_line"]) == ("high", 95, 177, 177)
    assert row["rules"] == "bandit:B307, ruff:S307, skylos:SKY-D201"
    assert list(made.columns) == [column.name for column in CONSENSUS]


def test_a_mark_holds_only_if_all_evidence_carries_it():
    def two(*tags):
        return consensus(
            Dataset.from_records(
                findings=[finding(number=0, line=5, tags=tags[0]), finding(number=3, line=5, tags=tags[1])]
            )
        )

    assert two(("noise", "x"), ("noise",))["tags"].tolist() == ["noise"]
    assert two(("noise",), ())["tags"].tolist() == [""]


def test_the_order_of_the_findings_changes_nothing():
    frame = dataset(LABELLED)[0].findings
    expected = consensus(Dataset.from_records(findings=[labelled(r, n) for n, r in enumerate(LABELLED)]))
    shuffled = frame.sample(frac=1, random_state=3)
    made = consensus(_with_findings(shuffled))
    pd.testing.assert_frame_equal(made, expected)
    assert members(_with_findings(shuffled)).sort_index().tolist() == members(_with_findings(frame)).tolist()


def _with_findings(frame):
    from dataclasses import replace

    return replace(Dataset.from_records(), findings=frame)


def test_jobs_models_and_apps_stay_apart():
    places = [("a", 1, 1), ("a", 1, 2), ("a", 2, 1), ("b", 1, 1)]
    findings = [
        finding(model, app, number, line=5, job_id=job) for model, app, job in places for number in (0, 3)
    ]
    made = consensus(Dataset.from_records(findings=findings))
    assert made["n_findings"].tolist() == [2] * 4
    assert made["consensus_id"].tolist() == [1, 2, 3, 4]


def test_nothing_in_gives_the_columns():
    empty = Dataset.from_records()
    assert list(consensus(empty).columns) == [column.name for column in CONSENSUS]
    assert list(agreement(empty).columns) == [column.name for column in AGREEMENT]
    assert members(empty).tolist() == []


def test_what_a_tool_could_not_see_is_no_disagreement():
    both = [finding("m", 1, number, line=5) for number in (0, 3)]
    alone = [
        finding("m", 1, 0, line=50, fingerprint="x"),
        finding("m", 2, 0, line=5),
        finding("m", 3, 0, line=5),
    ]
    script = finding("m", 1, 0, path="frontend/a.js", line=5, fingerprint="y")
    unread = (UnreadFile(path="backend/app.py", reason="syntax error"),)
    cells = [
        *(coverage("m", app, "bandit") for app in (1, 2, 3)),
        coverage("m", 1, "ruff"),
        coverage("m", 2, "ruff", CoverageStatus.TIMED_OUT),
        coverage("m", 3, "ruff", CoverageStatus.PARTIAL, files_seen=5, unread=unread),
    ]
    made = agreement(Dataset.from_records(findings=[*both, *alone, script], coverage=cells))
    assert made.drop(columns="share").to_numpy().tolist() == [["bandit", "ruff", 1, 1, 0]]
    assert made["share"].tolist() == [0.5]


def test_many_findings_on_one_line_are_bounded():
    findings = [
        finding("m", 1, number, line=1, column=5 * place, fingerprint=f"{number}-{place}", path="a.min.js")
        for place in range(3_000)
        for number in (0, 3)
    ]
    before = time.perf_counter()
    made = consensus(Dataset.from_records(findings=findings))
    assert time.perf_counter() - before < 60
    assert len(made) == 3_000
    assert set(made["n_findings"]) == {2}
