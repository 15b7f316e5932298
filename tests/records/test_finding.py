"""The identity of a finding."""

import string

from hypothesis import given
from hypothesis import strategies as st

from batchnb.records import fingerprint

LINE = 'query = "SELECT " + name'
KEY = ("bandit", "B608", "backend/app.py")


def test_it_is_16_hex_digits_and_the_same_in_every_process():
    """It is stored and compared between runs, so it must not depend on hash seeds or versions."""
    assert fingerprint(*KEY, LINE, 0) == fingerprint(*KEY, LINE, 0)
    assert set(fingerprint(*KEY, LINE, 0)) <= set(string.hexdigits.lower())
    assert fingerprint("a", "b", "c", "d", 0) == "2e8fcaacb3ec04ac"


def test_indentation_and_line_breaks_do_not_change_it():
    assert fingerprint(*KEY, f"\t    {LINE}  ", 0) == fingerprint(*KEY, LINE, 0)
    assert fingerprint(*KEY, 'query = "SELECT " +\n        name', 0) == fingerprint(*KEY, LINE, 0)


def test_each_part_of_the_identity_changes_it():
    different = {
        fingerprint(*KEY, LINE, 0),
        fingerprint(*KEY, LINE, 1),
        fingerprint(*KEY, LINE + "s", 0),
        fingerprint("ruff", *KEY[1:], LINE, 0),
        fingerprint("bandit", "B609", KEY[2], LINE, 0),
        fingerprint("bandit", "B608", "backend/db.py", LINE, 0),
    }
    assert len(different) == 6


def test_text_cannot_slip_from_one_part_into_the_next():
    assert fingerprint("ab", "c", "d", "e", 0) != fingerprint("a", "bc", "d", "e", 0)


@given(st.text(st.characters()), st.integers(0, 99))
def test_any_text_has_one(snippet, occurrence):
    assert len(fingerprint(*KEY, snippet, occurrence)) == 16
