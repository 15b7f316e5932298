"""The identity of a finding."""

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchnb.records import fingerprint
from batchnb.records.finding import clone_key, folded

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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("app.run(host='0.0.0.0', debug=True)", 'app.run(\n    host="0.0.0.0",\n    debug=True,\n)'),
        ("x = eval(a)", "x = (eval(a))"),
        ("el.innerHTML = '<b>' + name", 'el.innerHTML = "<b>" + name;'),
        ("items.map(i => eval(i))", "items.map((i) => eval(i));"),
        ("import {a} from 'b'", 'import { a } from "b";'),
        ("say('it\\'s')", 'say("it\'s")'),
    ],
)
def test_a_formatter_does_not_change_it(before, after):
    assert fingerprint(*KEY, before, 0) == fingerprint(*KEY, after, 0)
    assert clone_key("bandit", "B608", before) == clone_key("bandit", "B608", after)


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "query = 'SELECT * FROM users WHERE id=' + uid",
            'sql = "DELETE FROM notes WHERE n=" + request.note',
        ),
        ("cursor.execute(f'SELECT {x}')", 'self.db.execute(f"""UPDATE {y}""")'),
        ("PASSWORD = 'hunter2'", "secret_key = 'abc'"),
        ("hashlib.md5(password.encode())", "md5(data.encode())"),
        ("app.run(port=5101, debug=True)", "application.run(port=8000, debug=True)"),
        (
            "<p dangerouslySetInnerHTML={{ __html: note.body }} />",
            "<p dangerouslySetInnerHTML={{__html: x}}/>",
        ),
        ("flask>=2.0", "requests>=1.1.4"),
    ],
)
def test_the_same_flaw_with_other_names_and_texts_is_a_clone(one, other):
    assert clone_key("t", "r", one) == clone_key("t", "r", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hashlib.md5(x)", "hashlib.sha1(x)"),
        ("subprocess.run(x, shell=True)", "subprocess.run(x)"),
        ("q = 'SELECT ' + name", "q = f'SELECT {name}'"),
        ("requests.get(url, verify=False)", "requests.get(url, verify=None)"),
        ("random.random()", "random.randint(1, 6)"),
        ("app.run(debug=True)", "app.run(debug=DEBUG)"),
    ],
)
def test_another_call_or_another_form_is_no_clone(one, other):
    assert clone_key("t", "r", one) != clone_key("t", "r", other)


def test_a_clone_is_of_one_tool_and_rule():
    assert len({clone_key(*pair, "x") for pair in (("a", "b"), ("a", "c"), ("d", "b"), ("ab", ""))}) == 4


@given(st.text(st.characters()))
def test_any_text_has_a_clone_key(snippet):
    assert len(clone_key("t", "r", snippet)) == 16
    assert clone_key("t", "r", snippet) == clone_key("t", "r", snippet)


@pytest.mark.parametrize("text", ['"', "'", "a.", "\\", "`", '"\\', "1", "a ", '"""', "a(", "$"])
def test_a_long_hostile_line_does_not_take_long(text):
    before = time.perf_counter()
    clone_key("t", "r", text * 20_000)
    folded(text * 20_000)
    assert time.perf_counter() - before < 5
