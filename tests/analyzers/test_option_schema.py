"""Options as a help text lists them and a command line gives them."""

from typing import Literal

import pytest
from pydantic import Field

from batchnb.analyzers.base import Options
from batchnb.analyzers.option_schema import describe_options, option_faults, read_assignments
from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.records.errors import InvalidValueError


class Every(Options):
    users: int = Field(default=10, ge=1, le=50, title="Users", description="At once.")
    ratio: float = Field(gt=0)
    names: tuple[str, ...] = ()
    kind: Literal["a", "b"] = "a"
    where: str | None = Field(default=None, max_length=5)
    deep: bool = False
    table: dict[str, int] = Field(default_factory=dict)


def test_each_option_is_described():
    described = {info.name: (info.kind, info.allowed, info.default) for info in describe_options(Every)}

    assert described == {
        "users": ("whole number", "at least 1, at most 50", "10"),
        "ratio": ("number", "more than 0", ""),
        "names": ("list of texts", "", "[]"),
        "kind": ("text", "one of a, b", '"a"'),
        "where": ("text", "at most 5 characters", "null"),
        "deep": ("yes or no", "", "false"),
        "table": ("names and values", "", "null"),
    }


def test_each_option_says_how_a_form_asks_for_it():
    described = {
        info.name: (info.control, info.choices, info.nullable, info.required, info.initial)
        for info in describe_options(Every)
    }

    assert described == {
        "users": ("number", (), False, False, 10),
        "ratio": ("number", (), False, True, None),
        "names": ("lines", (), False, False, []),
        "kind": ("choice", ("a", "b"), False, False, "a"),
        "where": ("text", (), True, False, None),
        "deep": ("checkbox", (), False, False, False),
        "table": ("json", (), False, False, {}),
    }


def test_all_faults_are_told_at_once():
    assert option_faults(Every, {"users": 0, "ratio": "x", "names": ["a", 1], "more": 1}) == {
        "users": "Input should be greater than or equal to 1",
        "ratio": "Input should be a valid number",
        "names": "item 2: Input should be a valid string",
        "more": "Extra inputs are not permitted",
    }
    assert option_faults(Every, {"ratio": 2}) == {}


def test_what_json_cannot_say_is_a_fault_of_the_whole():
    assert list(option_faults(Every, {"ratio": object()})) == [""]


def test_every_option_of_ours_has_a_title_and_says_what_it_does():
    registry = AnalyzerRegistry(extra=())
    infos = [info for key in registry.keys for info in describe_options(registry[key].options)]

    assert infos
    assert [
        info.name for info in infos if not info.description.endswith(".") or info.title == info.name
    ] == []


def test_assignments_are_read_as_json_where_they_can_be():
    texts = ["a.users=3", "a.deep=true", "a.where=here", 'a.names=["x"]', "b.x=", "b.y=1=2"]

    assert read_assignments(texts, "test") == {
        "a": {"users": 3, "deep": True, "where": "here", "names": ["x"]},
        "b": {"x": "", "y": "1=2"},
    }


@pytest.mark.parametrize("text", ["", "users=3", "a.users", ".x=1", "a.=1", "="])
def test_anything_else_is_refused_by_name(text):
    with pytest.raises(InvalidValueError, match="write ANALYSIS"):
        read_assignments([text], "--option")
