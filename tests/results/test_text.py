from __future__ import annotations

import pytest
from factories import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from batchnb.results.text import duration, plural, shorten, shorten_middle
from batchnb.tools.text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Ünïcode 漢字 🙂", "plain Ünïcode 漢字 🙂"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("nul\x00 c1\x9b del\x7f", "nul\\x00 c1\\x9b del\\x7f"),
        ("\u2028\ud800", "\\u2028\\ud800"),
        ("two\n\tlines\r", "two\n\tlines\\r"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert visible(text) == shown


def test_one_line_has_no_line_ends():
    assert visible("a\nb\tc\rd", one_line=True) == "a b c d"


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_becomes_printable_and_encodable(text):
    shown = visible(text)
    assert shown.encode("utf-8") or not text
    assert all(char.isprintable() or char in "\n\t" for char in shown)
    assert visible(shown) == shown


@given(st.text(max_size=60), st.integers(4, 30))
def test_shortened_text_fits(text, limit):
    for cut in (shorten(text, limit), shorten_middle(text, limit)):
        assert len(cut) <= limit
        assert cut == text or "…" in cut


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 ms"),
        (0.042, "42 ms"),
        (2.44, "2.4 s"),
        (41.6, "42 s"),
        (185, "3 min 5 s"),
        (7300, "2 h 1 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_counted_nouns():
    assert [plural(count, "task") for count in (0, 1, 1200)] == ["0 tasks", "1 task", "1,200 tasks"]


def test_hostile_samples_really_need_it():
    assert any(not text.isprintable() for text in HOSTILE)
