from __future__ import annotations

import enum
from typing import Any, Literal

import pytest
from pydantic import Field, SecretStr, model_validator

from batchnb.analyzers.base import Options
from batchnb.analyzers.option_schema import describe_options
from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.widgets.option_fields import UNSET, initial_value, read_options, typed_value, value_of


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Every(Options):
    users: int = Field(default=10, ge=1, le=50)
    ratio: float = 1.0
    deep: bool = False
    maybe: bool | None = None
    colour: Colour = Colour.RED
    level: Literal[1, 2] | None = None
    where: str = "here"
    note: str | None = None
    names: tuple[str, ...] = ()
    mixed: tuple[int | str, ...] = ()
    table: dict[str, int] = Field(default_factory=lambda: {"a": 1})
    either: int | str = 3
    key: SecretStr | None = None


class Demanding(Options):
    name: str
    deep: bool

    @model_validator(mode="after")
    def _not_both(self) -> Any:
        if self.deep and self.name == "shallow":
            raise ValueError("shallow is not deep")
        return self


INFOS = {info.name: info for info in describe_options(Every)}


def read(schema=Every, **typed):
    return read_options(schema, describe_options(schema), typed)


def test_each_kind_of_option_has_its_control():
    assert {name: info.control for name, info in INFOS.items()} == {
        "users": "number",
        "ratio": "number",
        "deep": "checkbox",
        "maybe": "choice",
        "colour": "choice",
        "level": "choice",
        "where": "text",
        "note": "text",
        "names": "lines",
        "mixed": "lines",
        "table": "json",
        "either": "json",
        "key": "secret",
    }


def test_what_stands_there_at_first_is_the_default():
    assert {name: initial_value(info) for name, info in INFOS.items()} == {
        "users": "10",
        "ratio": "1",
        "deep": False,
        "maybe": "",
        "colour": '"red"',
        "level": "",
        "where": "here",
        "note": "",
        "names": "",
        "mixed": "",
        "table": '{"a": 1}',
        "either": "3",
        "key": "",
    }
    assert read(**{name: initial_value(info) for name, info in INFOS.items()}) == ({}, {})


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("users", " 12 ", 12),
        ("users", "+12", 12),
        ("users", "", UNSET),
        ("users", "007", "007"),
        ("users", "1e", "1e"),
        ("users", "9" * 5000, "9" * 5000),
        ("ratio", "2.5e3", 2500.0),
        ("ratio", "nan", "nan"),
        ("deep", True, True),
        ("maybe", "false", False),
        ("maybe", "", None),
        ("colour", '"blue"', "blue"),
        ("level", "2", 2),
        ("level", "", None),
        ("where", "", ""),
        ("where", " x ", " x "),
        ("note", "", None),
        ("names", " a \n\n 7 \n", ["a", "7"]),
        ("mixed", "a\n7", ["a", 7]),
        ("table", '{"b": 2}', {"b": 2}),
        ("table", "", UNSET),
        ("table", "[" * 100_000, "[" * 100_000),
        ("key", "hush", UNSET),
    ],
)
def test_a_text_means_a_value(name, typed, value):
    assert value_of(INFOS[name], typed) == value


def test_only_what_differs_from_its_default_is_given():
    values, faults = read(users="10", ratio="1.0", deep=True, names="", table='{"a":1}')
    assert (values, faults) == ({"deep": True}, {})


def test_every_fault_is_told_in_pydantics_words():
    values, faults = read(users="0", ratio="x", mixed="7\n[]", either="[]")
    assert faults == {
        "users": "Input should be greater than or equal to 1",
        "ratio": "Input should be a valid number",
        "mixed": "item 2: Input should be a valid integer",
        "either": "Input should be a valid integer",
    }
    assert values["users"] == 0


def test_what_has_to_be_given_is_asked_for():
    assert read(Demanding)[1] == {"name": "Field required"}
    assert read(Demanding, name="x") == ({"name": "x", "deep": False}, {})


def test_a_fault_of_the_whole_has_no_name():
    assert read(Demanding, name="shallow", deep=True)[1] == {"": "shallow is not deep"}


def test_a_value_comes_back_as_it_was_typed():
    for name, typed in {"users": "12", "mixed": "a\n7", "table": '{"b": 2}', "maybe": "true"}.items():
        assert typed_value(INFOS[name], value_of(INFOS[name], typed)) == typed


def test_every_option_of_ours_has_a_control_and_its_default_is_right():
    registry = AnalyzerRegistry(())
    for key in registry.keys:
        infos = describe_options(registry[key].options)
        typed = {info.name: initial_value(info) for info in infos}
        assert read_options(registry[key].options, infos, typed) == ({}, {})
        assert {info.name for info in infos if info.control in {"json", "secret"}} == set()
