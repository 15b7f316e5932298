"""From what a user asks for to tasks."""

from importlib.metadata import EntryPoint

import pytest
from support import job, make_apps, portfolio

from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.engine.planning import cells, plan
from batchnb.records.errors import InvalidValueError, PortfolioError, UnknownNameError

APPS = portfolio(m=[1, 2], n=[1, 2, 3, 4])
KIND = "backend_security"


@pytest.fixture
def registry():
    return AnalyzerRegistry(extra=[EntryPoint("gated", "gated:GatedAnalyzer", GROUP)])


def test_everything_that_only_reads_is_the_default(registry):
    spec = plan(APPS, registry)

    assert spec.models == ("m", "n")
    assert spec.app_ranges == {"m": (1, 2), "n": (1, 2, 3, 4)}
    assert spec.analysis_types == ("frontend_security", "backend_security", "gated")
    assert (spec.analysis_options, spec.name, spec.task_timeout_seconds) == ({}, "", None)


def test_options_are_checked_and_completed_with_their_defaults(registry):
    spec = plan(APPS, registry, analyses="gated", options={"gated": {}})

    assert spec.analysis_types == ("gated",)
    assert spec.analysis_options == {"gated": {"depth": 1}}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"analyses": ["x"]}, r"analysis 'x' \(from analyses\) is not valid: known are .*backend_security"),
        ({"analyses": []}, r"analysis '' \(from analyses\)"),
        ({"analyses": 5}, "analyses"),
        ({"options": {"x": {}}}, r"analysis 'x' \(from options\) is not valid: known are .*gated"),
        (
            {"analyses": [KIND], "options": {"gated": {}}},
            r"analysis 'gated' \(from options\).*known are backend",
        ),
        (
            {"options": {"gated": {"dept": 2}}},
            r"gated option 'dept' \(from options\['gated'\]\) is not valid: known are depth",
        ),
        (
            {"options": {"gated": {"depth": 99}}},
            r"gated option depth 99 \(from options\['gated'\]\) is not valid: .*less than or equal to 9",
        ),
        ({"options": {"gated": {"depth": "2"}}}, r"gated option depth '2' .*valid integer"),
        ({"options": {KIND: {"full_scan": 1}}}, r"backend_security option full_scan 1 .*valid boolean"),
        ({"options": {"gated": 5}}, "gated"),
        ({"options": [1]}, "options"),
        ({"models": ["x"]}, r"model 'x' .*known are m, n"),
        ({"apps": "7"}, "apps '7' .*m has 1-2; n has 1-4"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed_and_where_it_came_from(registry, asked, message):
    with pytest.raises(InvalidValueError, match=message):
        plan(APPS, registry, **asked)


def test_an_analysis_of_the_specification_that_cannot_run_here_can_be_asked_for(registry):
    del registry._known["zap"]  # as if this version did not have it

    assert plan(APPS, registry, analyses=["zap"]).analysis_types == ("zap",)


def test_tasks_of_what_was_asked_for_and_of_nothing_else(registry, tmp_path):
    """A model that has none of the apps asked for must not stand for all of its apps."""
    make_apps(tmp_path, {"m": [1, 2], "n": [1, 2, 3, 4]})
    spec = plan(APPS, registry, apps="3-4", analyses=["gated"])
    asked = job(
        models=list(spec.models),
        app_ranges={model: list(apps) for model, apps in spec.app_ranges.items()},
        analysis_types=list(spec.analysis_types),
    )

    assert list(cells(asked, tmp_path)) == [("n", 3, "gated"), ("n", 4, "gated")]


def test_tasks_go_app_by_app(tmp_path):
    asked = job(models=["n", "m"], app_ranges={"m": [2, 1], "n": [1]}, analysis_types=["b", "a", "b"])

    assert list(cells(asked, tmp_path / "not needed")) == [
        *(("m", 1, "b"), ("m", 1, "a"), ("n", 1, "b"), ("n", 1, "a"), ("m", 2, "b"), ("m", 2, "a")),
    ]


def test_ranges_alone_name_the_models(tmp_path):
    assert list(cells(job(app_ranges={"m": [3]}, analysis_types=["a"]), tmp_path)) == [("m", 3, "a")]


def test_an_open_range_is_looked_up(tmp_path):
    make_apps(tmp_path, {"m": [2, 5], "n": [1]})

    assert list(cells(job(models=["m"], analysis_types=["a"]), tmp_path)) == [("m", 2, "a"), ("m", 5, "a")]
    with pytest.raises(PortfolioError, match="cannot be read"):
        list(cells(job(models=["m"], analysis_types=["a"]), tmp_path / "gone"))


def test_a_model_that_is_not_there_is_an_error_and_not_an_empty_success(tmp_path):
    make_apps(tmp_path, {"m": [1]})

    with pytest.raises((PortfolioError, UnknownNameError), match="x"):
        list(cells(job(models=["x"], analysis_types=["a"]), tmp_path))
