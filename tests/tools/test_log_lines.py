"""What one record may look like in a file: nothing forged, nothing endless, no secret, nothing invisible."""

from __future__ import annotations

import json
import logging
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchnb.tools.log import bind, create_logger
from batchnb.tools.log.files import LogFiles
from batchnb.tools.log.line import (
    MESSAGE,
    OVERLAP,
    RAW_MESSAGE,
    TRACE_END,
    TRACE_START,
    Line,
    as_json,
    as_text,
    ends_of,
)

CANARY = "canary-5ecret-value"
FORGED = "2026-01-01T00:00:00.000Z ERROR batch_analysis [MainThread] forged"
HEAD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ batch_analysis[.a-z]* \[")
LINE_ENDS = ("\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029")
INVISIBLE = (
    "\x00",
    "\x1b[2K",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x7f",
    "\b",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
)


def line(message="", **changes):
    values = {"created": 0.5, "level": "INFO", "logger": "batch_analysis.task", "thread": "MainThread"}
    return Line(**{**values, "job_id": None, "task_id": None, "message": message, **changes})


def error(message):
    try:
        int("no number")
    except ValueError as caught:
        return ValueError(message).with_traceback(caught.__traceback__)


@pytest.fixture
def written(tmp_path):
    """Return a function that logs with `log(logger)` and returns the text of the file."""

    def run(log, **settings):
        with LogFiles(tmp_path, **settings):
            log(create_logger("task"))
        return (tmp_path / "batch_analysis.log").read_bytes().decode()

    return run


def test_the_whole_line():
    assert as_text(line("started"), ()) == (
        "1970-01-01T00:00:00.500Z INFO batch_analysis.task [MainThread] started"
    )


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("json_lines", [False, True])
def test_no_record_can_forge_another(written, end, json_lines):
    def log(logger):
        logger.info("message%s", end + FORGED)
        logger.error("with a traceback", exc_info=error("it" + end + FORGED))

    lines = written(log, json_lines=json_lines).splitlines()
    if json_lines:
        assert len([json.loads(each) for each in lines]) == 2
    else:
        assert len([each for each in lines if HEAD.match(each)]) == 2
        assert all(HEAD.match(each) or each.startswith("    ") for each in lines)


@pytest.mark.parametrize("bad", INVISIBLE)
@pytest.mark.parametrize("json_lines", [False, True])
def test_what_cannot_be_seen_is_written_out(written, bad, json_lines):
    def log(logger):
        logger.info("before %s after", bad)
        logger.error("x", exc_info=error(bad))

    found = written(log, json_lines=json_lines)
    assert bad not in found
    if json_lines:
        messages = [json.loads(each) for each in found.splitlines()]
        assert all(
            (each["message"] + (each["exception"] or "")).replace("\n", "").isprintable() for each in messages
        )
    assert all(each.isprintable() for each in found.split("\n"))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=[])), st.text(st.characters(exclude_categories=[])))
def test_any_text_makes_one_record(message, trace):
    first, *rest = as_text(line(message, trace=trace, thread=message), ()).split("\n")
    assert HEAD.match(first)
    assert all(each.startswith("    ") for each in rest)
    assert "\n" not in as_json(line(message, trace=trace), ())
    assert json.loads(as_json(line(message, trace=trace), ()))["level"] == "INFO"


@pytest.mark.parametrize("json_lines", [False, True])
def test_no_secret_reaches_a_file(written, monkeypatch, json_lines):
    monkeypatch.setenv("SOME_API_KEY", CANARY)

    def log(logger):
        logger.info(CANARY)
        bind(logger, job_id=1).warning("in %s and %r", CANARY, {"key": CANARY})
        logger.error("in the exception", exc_info=error(f"GET https://x/?k={CANARY} failed"))
        for length in (MESSAGE, RAW_MESSAGE):
            logger.info("%s%s", "x" * (length - 5), CANARY)
        logger.error("long", exc_info=error("x" * 20_000 + CANARY + "y" * (TRACE_END - 10)))

    found = written(log, json_lines=json_lines)
    assert CANARY not in found
    assert CANARY[:5] not in found
    assert CANARY[-8:] not in found
    assert found.count("[redacted]") >= 4


def test_a_long_message_is_cut_with_a_note(written):
    found = written(lambda logger: logger.info("%s", "a" * 1_000_000))
    assert found.endswith(f"{'a' * 100}... [{1_000_000 - MESSAGE:,} more characters cut]\n")
    assert len(found) < MESSAGE + 200


def test_a_long_traceback_keeps_its_start_and_its_end(written):
    found = written(lambda logger: logger.error("x", exc_info=error("b" * 1_000_000 + "the end")))
    assert "Traceback (most recent call last)" in found
    assert "... [cut]" in found
    assert found.endswith("bthe end\n")
    assert len(found) < TRACE_START + TRACE_END + 400


@settings(deadline=None)
@given(st.integers(MESSAGE - 40, RAW_MESSAGE + OVERLAP), st.sampled_from(["a", "\x1b", "é\u202e"]))
def test_a_secret_at_any_place_near_the_cut_leaves_nothing_behind(place, fill):
    text = (fill * place)[:place] + CANARY + fill * 100
    raw = line(text[:RAW_MESSAGE], cut=max(0, len(text) - RAW_MESSAGE))
    assert CANARY[:3] not in as_text(raw, (CANARY,))


def test_a_secret_cut_in_half_is_not_moved_into_view_by_shorter_ones_before_it():
    token = "sk-" + "1" * 2_997
    message = f"{token} " * 4
    message += "x" * (RAW_MESSAGE - len(message) - 5) + CANARY[:5]
    assert CANARY[:3] not in as_text(line(message, cut=100), (CANARY,)).partition("] ")[2]
    trace = message + "y" * 60_000 + CANARY[-5:] + "x" * (TRACE_END + OVERLAP - 5 - 12_004) + f" {token}" * 4
    shown = as_text(line(trace=ends_of(trace)), (CANARY,)).partition("] ")[2]
    assert CANARY[:3] not in shown
    assert CANARY[-5:] not in shown


@settings(deadline=None)
@given(st.integers(0, 60_000), st.integers(100, 60_000))
@example(TRACE_START + OVERLAP - 5, 60_000)
@example(60_000, TRACE_END + OVERLAP - 5)
@example(TRACE_START - 5, 60_000)
@example(60_000, TRACE_END - 5)
def test_a_secret_at_any_place_in_a_traceback_leaves_nothing_behind(before, after):
    trace = ends_of("x" * before + CANARY + "y" * after)
    shown = as_text(line(trace=trace), (CANARY,)).partition("] ")[2]
    assert CANARY[:2] not in shown
    assert CANARY[-4:] not in shown


def test_a_stack_and_a_traceback_are_both_kept(written):
    found = written(lambda logger: logger.log(logging.ERROR, "x", exc_info=error("why"), stack_info=True))
    assert "ValueError: why" in found
    assert "Stack (most recent call last)" in found
