"""Code that does not fit: the files that matter are shown, and what is left out is named."""

import json

from protocol_fake import honest
from support import write

from batchnb.analyzers.llm.packing import chunks_of, pack
from batchnb.records import CoverageStatus

TOPICS = ("invoice", "refund", "coupon", "voucher")


def sources():
    filler = "".join(f"value_{n} = compute_something_long({n})\n" for n in range(150))
    return {
        f"backend/{word}.py": f"@app.get('/api/{word}')\ndef {word}_list():\n    pass\n{filler}"
        for word in TOPICS
    }


def fill(base):
    for path, text in sources().items():
        write(base / "atlas" / "app1" / path, text)
    (base / "atlas" / "app1" / "backend" / "app.py").unlink()
    listed = [f"GET /api/{word} lists every {word}" for word in (*TOPICS, "coupon")]
    write(base / "requirements.json", json.dumps({"1": {"title": "t", "requirements": listed}}))


def test_what_fits_is_one_group_with_everything():
    (group,) = pack(chunks_of(sources()), ["a", "b"], 100_000)
    assert group.numbers == (1, 2)
    assert group.left_out == {}
    assert all(f"{word}_list" in group.source for word in TOPICS)


def test_each_requirement_sees_what_it_is_about_and_equal_choices_share_a_prompt():
    texts = [f"GET /api/{word} lists every {word}" for word in (*TOPICS, "coupon")]
    groups = pack(chunks_of(sources()), texts, 3_000)
    assert sorted(number for group in groups for number in group.numbers) == [1, 2, 3, 4, 5]
    for group in groups:
        assert len(group.source.encode()) <= 9_000
        for number in group.numbers:
            assert f"/api/{(*TOPICS, 'coupon')[number - 1]}'" in group.source
    assert any(set(group.numbers) >= {3, 5} for group in groups)


def test_a_line_too_long_for_the_window_is_left_out_and_named():
    groups = pack(chunks_of({"a.py": "x" * 50_000, "b.py": "y = 1"}), ["y"], 1_000)
    assert groups[0].left_out == {"a.py": "1-1"}
    assert "y = 1" in groups[0].source


def test_what_was_not_shown_makes_the_cell_partial_with_names(check, server, base):
    fill(base)
    server.answer = honest
    report = check(context_tokens=5_000)
    (cell,) = report.coverage
    assert cell.status is CoverageStatus.PARTIAL
    assert cell.files_eligible == 4
    assert cell.files_seen == 4 - len(cell.unread)
    assert {file.path for file in cell.unread} <= set(sources())
    assert "requirements: beyond the context window" in cell.unread[0].reason
    met = [m for m in report.measurements if m.metric == "requirement_met"]
    assert [m.value for m in met] == [1.0] * 5
    assert all("not all of the code was shown" in m.detail for m in met)


def test_not_met_is_not_believed_of_a_part(check, server, base):
    fill(base)
    server.answer = lambda q: honest(q).replace('"met"', '"not_met"').replace("backend/", "elsewhere/")
    report = check(context_tokens=5_000)
    assert [m.value for m in report.measurements if m.metric == "requirement_met"] == [None] * 5
    assert report.issues == ()


def test_a_server_that_finds_the_question_too_long_gets_a_shorter_one(check, server, base):
    fill(base)
    server.answer = honest
    server.context_bytes = 14_000
    report = check()
    (cell,) = report.coverage
    assert cell.status is CoverageStatus.PARTIAL
    assert [m.value for m in report.measurements if m.metric == "requirement_met"] == [1.0] * 5


def test_a_window_too_small_for_any_code_is_said(check, server):
    report = check(context_tokens=600)
    (cell,) = report.coverage
    assert cell.status is CoverageStatus.FAILED
    assert "context window of 600 tokens is too small" in cell.detail
    assert server.asked == []


def test_a_server_that_cuts_the_question_off_without_a_word_is_found_out(check, server, base):
    fill(base)
    server.answer = honest
    server.usage = {"prompt_tokens": 2_048, "completion_tokens": 50}
    report = check()
    (cell,) = report.coverage
    assert cell.status is CoverageStatus.PARTIAL
    assert "did not take in whole questions" in cell.detail
    assert [m.value for m in report.measurements if m.metric == "requirement_met"] == [None] * 5
    check()
    assert len(server.asked) == 10  # such answers are not kept
