"""Which analyses there are, and what a plug-in can and cannot do to them."""

import math
import sys
from enum import StrEnum
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pydantic import Field
from support import make_apps

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.base import Analyzer, Options, check_options
from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.records import AnalysisType
from batchnb.records.errors import AnalyzerError, InvalidValueError, UnknownNameError


class GoodOptions(Options):
    level: int = Field(default=3, ge=1, le=5)
    names: tuple[str, ...] = ()


class Good(Analyzer):
    key, title, service, tools = "good", "Good", "good_analyzer", ("one", "two")
    options = GoodOptions

    def analyze(self, app, options, context):
        raise NotImplementedError


class Depth(StrEnum):
    DEEP = "deep"


class RichOptions(GoodOptions):
    depth: Depth
    where: Path
    share: float


class Rich(Good):
    options = RichOptions


class Renamed(Good):
    key = "another"


class Unfinished(Good):
    tools = ()


NOT_AN_ANALYZER = object()


@pytest.fixture(autouse=True)
def _plugin_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "the_plugin", sys.modules[__name__])


def point(name, value):
    return EntryPoint(name, value, GROUP)


def test_the_built_in_analyses_come_first():
    registry = AnalyzerRegistry(extra=[point("good", "the_plugin:Good"), point("aaa", "the_plugin:Good")])

    built_in = AnalyzerRegistry(extra=[]).keys
    assert "backend_security" in built_in
    assert registry.keys == (*built_in, "aaa", "good")
    assert registry["backend_security"] is BackendSecurityAnalyzer
    assert registry["good"] is Good
    assert registry.tools("good") == ("one", "two")
    assert registry.broken == {}


def test_every_built_in_analysis_is_whole():
    """Loads, can be made, and its key is the name under which it is asked for."""
    registry = AnalyzerRegistry(extra=[])

    for key in registry.keys:
        analyzer = registry[key]("/nowhere")
        assert analyzer.key == key
        assert analyzer.tools
        assert analyzer.title
        assert analyzer.service
        check_options(registry[key], {}, "here")
        for name, field in registry[key].options.model_fields.items():
            assert field.title, name
            assert field.description, name


def test_installed_plug_ins_are_found_by_their_group(monkeypatch):
    monkeypatch.setattr(
        "batchnb.analyzers.registry.entry_points",
        lambda group: [point("good", "the_plugin:Good")] if group == "batchnb.analyzers" else [],
    )
    assert "good" in AnalyzerRegistry().keys


def test_an_analysis_that_there_is_not_is_named():
    with pytest.raises(
        UnknownNameError, match=r"analysis type 'x' is not valid: known are .*backend_security"
    ):
        AnalyzerRegistry(extra=[])["x"]


def test_the_analyses_of_the_specification_are_known_whether_or_not_they_can_run():
    registry = AnalyzerRegistry(extra=[point("good", "the_plugin:Good")])

    assert all(registry.is_known(kind) for kind in (*AnalysisType, "good"))
    assert not registry.is_known("x")
    assert registry.tools("x") == ("x",)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module_at_all:Good", "ModuleNotFoundError"),
        ("the_plugin:Missing", "AttributeError"),
        ("the_plugin:NOT_AN_ANALYZER", "no Analyzer class"),
        ("the_plugin:test_every_built_in_analysis_is_whole", "no Analyzer class"),
        ("quits:Good", "needs a licence"),
        ("the_plugin:Renamed", "another"),
        ("the_plugin:Unfinished", "tools"),
    ],
)
def test_a_broken_plug_in_is_named_and_harms_nobody(tmp_path, monkeypatch, value, reason):
    (tmp_path / "quits.py").write_text("import sys\nsys.exit('needs a licence')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = AnalyzerRegistry(extra=[point("bad", value), point("good", "the_plugin:Good")])

    with pytest.raises(AnalyzerError, match=rf"analyzer 'bad' \({value}\) cannot be loaded: "):
        registry["bad"]
    assert reason in registry.broken["bad"]
    assert registry.tools("bad") == ("bad",)
    assert registry["good"] is Good


def test_a_plug_in_cannot_take_the_name_of_a_built_in_or_of_another():
    registry = AnalyzerRegistry(
        extra=[
            point("backend_security", "the_plugin:Good"),
            point("good", "the_plugin:Good"),
            point("good", "the_plugin:Renamed"),
        ]
    )
    assert registry["backend_security"] is BackendSecurityAnalyzer
    assert registry["good"] is Good
    assert registry.broken == {
        "the_plugin:Good": "the name 'backend_security' is taken",
        "the_plugin:Renamed": "the name 'good' is taken",
    }


class TestOptions:
    def test_defaults_and_given_values(self):
        assert check_options(Good, {}, "here") == GoodOptions(level=3, names=())
        assert check_options(Good, {"level": 5}, "here").level == 5

    @pytest.mark.parametrize(
        ("values", "kind", "message"),
        [
            (
                {"levl": 5},
                UnknownNameError,
                r"good option 'levl' \(from here\) is not valid: known are level, names",
            ),
            ({"level": 6}, InvalidValueError, r"good option level 6 \(from here\) .*less than or equal to 5"),
            ({"level": "3"}, InvalidValueError, r"good option level '3' \(from here\) .*valid integer"),
            ({"level": None}, InvalidValueError, r"good option level None \(from here\)"),
            ({"names": "a"}, InvalidValueError, r"good option names 'a'"),
            ({"names": (1,)}, InvalidValueError, r"good option names.0 1"),
            ({"names": object()}, InvalidValueError, r"good options .*serialize"),
        ],
    )
    def test_a_wrong_one_is_named_with_what_is_allowed(self, values, kind, message):
        with pytest.raises(kind, match=message):
            check_options(Good, values, "here")

    def test_from_a_form_or_from_the_store_they_are_the_same(self):
        given = {"depth": Depth.DEEP, "where": Path("/x"), "names": ("a",), "share": math.inf}
        stored = {"depth": "deep", "where": "/x", "names": ["a"], "share": math.inf}

        assert (
            check_options(Rich, given, "here") == check_options(Rich, stored, "there") == RichOptions(**given)
        )

    def test_they_cannot_be_changed(self):
        with pytest.raises(ValueError, match="frozen"):
            check_options(Good, {}, "here").level = 4


def test_an_analyzer_finds_its_apps_and_no_path(tmp_path):
    analyzer = Good(make_apps(tmp_path, {"m": [1]}))

    assert analyzer.find_app("m", 1).path == tmp_path / "m" / "app1"
    for model, number in [("m", 2), ("x", 1), ("../" + tmp_path.name + "/m", 1), ("", 1), (".", 1)]:
        assert analyzer.find_app(model, number) is None
    assert analyzer.missing_tools() == ()
