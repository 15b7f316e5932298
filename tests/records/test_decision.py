"""What a decision must have, and until when it holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from batchnb.records import Decision, Member, Verdict
from batchnb.records.decision import MAX_AUTHOR, MAX_MEMBERS, MAX_MESSAGE, MAX_REASON, code_key
from batchnb.records.errors import InvalidValueError, UnknownNameError

WHEN = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MEMBER = Member(tool="bandit", rule="B608", fingerprint="f1", clone_key="c1", path="backend/app.py", line=3)
GOOD = Decision(
    verdict=Verdict.FALSE_POSITIVE,
    reason="the id is a number by then",
    author="ada",
    decided_at=WHEN,
    model="atlas",
    app_num=2,
    members=(MEMBER,),
)
WITHDRAWN = {"withdrawn_at": WHEN + DAY, "withdrawn_by": "bob", "withdrawn_because": "it was none"}


def with_member(**changes):
    return {"members": (replace(MEMBER, **changes),)}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"expires_at": WHEN + DAY},
        WITHDRAWN,
        {"reason": "x" * MAX_REASON, "author": "y" * MAX_AUTHOR, "message": "z" * MAX_MESSAGE},
        {"reason": "</script><b>=cmd|'/c calc'!A1\x1b[31m\u202e\ud800"},
        {"decided_at": WHEN.astimezone(timezone(timedelta(hours=2)))},
        {"members": (MEMBER,) * MAX_MEMBERS},
        with_member(line=None, cwe=89, path=""),
    ],
)
def test_what_is_allowed(changes):
    replace(GOOD, **changes).check()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": ""}, ["reason", "''", "text is needed"]),
        ({"reason": " \n\t"}, ["reason", "not only spaces"]),
        ({"reason": None}, ["reason", "None"]),
        ({"reason": "x" * (MAX_REASON + 1)}, ["reason", "at most 4,000", "4,001"]),
        ({"reason": "\ud800" * 1_000}, ["reason", "at most 4,000", "6,000"]),
        ({"author": ""}, ["author", "''"]),
        ({"author": "y" * 201}, ["author", "at most 200"]),
        ({"model": ""}, ["model"]),
        ({"message": "x" * (MAX_MESSAGE + 1)}, ["message", "at most 1,000"]),
        ({"message": None}, ["message"]),
        ({"app_num": 0}, ["app number", "0", "1 to 999999"]),
        ({"app_num": True}, ["app number", "True"]),
        ({"app_num": 2.0}, ["app number", "2.0"]),
        ({"id": -1}, ["decision id", "-1"]),
        ({"id": 1 << 63}, ["decision id"]),
        ({"decided_at": datetime(2026, 5, 4)}, ["decided_at", "zone"]),  # noqa: DTZ001 - without one
        ({"decided_at": None}, ["decided_at", "None"]),
        ({"expires_at": datetime(2027, 5, 4)}, ["expires_at", "zone"]),  # noqa: DTZ001 - without one
        ({"expires_at": "2027-01-01"}, ["expires_at", "2027-01-01"]),
        ({"expires_at": WHEN}, ["expires_at", "2026-05-04T08:00:00+00:00", "later than"]),
        ({"expires_at": WHEN - DAY}, ["expires_at", "2026-05-03", "later than"]),
        ({**WITHDRAWN, "withdrawn_by": ""}, ["author of the withdrawal"]),
        ({**WITHDRAWN, "withdrawn_because": " "}, ["reason of the withdrawal"]),
        ({**WITHDRAWN, "withdrawn_at": datetime(2027, 5, 4)}, ["withdrawn_at"]),  # noqa: DTZ001
        ({"members": ()}, ["number of findings", "0", "1 to 1,000"]),
        ({"members": (MEMBER,) * (MAX_MEMBERS + 1)}, ["number of findings", "1001"]),
        (with_member(fingerprint=""), ["fingerprint", "''"]),
        (with_member(tool=None), ["tool", "None"]),
        (with_member(line=-1), ["line", "-1"]),
        (with_member(cwe="89"), ["cwe", "'89'"]),
        (with_member(alike_in_file=0), ["alike_in_file", "0"]),
        (with_member(alike_in_app=1 << 63), ["alike_in_app"]),
    ],
)
def test_what_is_not_allowed_is_named(changes, words):
    with pytest.raises(InvalidValueError) as caught:
        replace(GOOD, **changes).check()
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 500, "a refused text is not repeated whole"


@pytest.mark.parametrize("verdict", ["safe", "", None, [], 1])
def test_an_unknown_verdict_is_told_the_known_ones(verdict):
    with pytest.raises(UnknownNameError, match="known are false_positive, accepted, confirmed"):
        replace(GOOD, verdict=verdict).check()


def test_until_when_it_holds():
    assert GOOD.holds_at(WHEN + 10_000 * DAY)
    ending = replace(GOOD, expires_at=WHEN + DAY)
    assert ending.holds_at(WHEN + DAY - timedelta(microseconds=1))
    assert not ending.holds_at(WHEN + DAY)
    assert not replace(GOOD, **WITHDRAWN).holds_at(WHEN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("eval('x')", 'eval("x")'),
        ("a  =  f( b,c )", "a=f(b, c)"),
        ("f(\n    a,\n    b,\n)", "f(a, b)"),
        ("x();\ny();", "x()\n  y()"),
        ("q(f'a b {c}')", 'q(f"a b {c}")'),
    ],
)
def test_formatting_does_not_change_the_key_of_code(one, other):
    assert code_key(one) == code_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('eval("x")', "eval(x)"),
        ('f("a b")', 'f("ab")'),
        ("f(`a b`)", "f(`ab`)"),
        ("q(s, (x,))", "q(s, (x))"),
        ("f(a, b)", "f(a + b)"),
        ("f(a)", "f(b)"),
        ("f(1)", "f(2)"),
        ("a'b\"c'", 'a"b"c"'),
        ("a;b", "a b"),
    ],
)
def test_what_code_does_changes_its_key(one, other):
    assert code_key(one) != code_key(other)


def test_no_code_has_no_key():
    assert code_key("") == code_key(" \n") == ""


@pytest.mark.parametrize("part", ["'", '"', "`", "\\", ",\n", "; ", "\\'", "\ud800"])
def test_hostile_code_takes_no_time(part):
    assert len(code_key(part * 20_000)) == 16
