"""Choosing apps of a portfolio."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import portfolio

from batchnb.records import Portfolio
from batchnb.records.errors import AppRangeError, InvalidValueError, UnknownNameError

APPS = portfolio(atlas=[1, 2, 3], birch=[2, 4])


def test_models_and_numbers_are_those_that_there_are():
    assert APPS.models == ("atlas", "birch")
    assert APPS.app_nums("birch") == (2, 4)
    with pytest.raises(
        UnknownNameError, match=r"model 'oak' \(from portfolio /apps\).*known are atlas, birch"
    ):
        APPS.app_nums("oak")


@pytest.mark.parametrize(
    ("models", "apps", "expected"),
    [
        (None, None, {"atlas": (1, 2, 3), "birch": (2, 4)}),
        (["birch"], None, {"birch": (2, 4)}),
        ("birch", None, {"birch": (2, 4)}),
        (["birch", "atlas", "birch"], "2", {"birch": (2,), "atlas": (2,)}),
        (None, "1-2", {"atlas": (1, 2), "birch": (2,)}),
        (None, [2, 1, 2], {"atlas": (1, 2), "birch": (2,)}),
        (None, 2, {"atlas": (2,), "birch": (2,)}),
        (None, range(1, 4), {"atlas": (1, 2, 3), "birch": (2,)}),
        (None, {"atlas": "3", "birch": [4]}, {"atlas": (3,), "birch": (4,)}),
        (None, {"atlas": "3"}, {"atlas": (3,), "birch": (2, 4)}),
    ],
)
def test_what_is_chosen(models, apps, expected):
    assert APPS.select(models, apps) == expected


@pytest.mark.parametrize("apps", ["4", [4], {"atlas": "4", "birch": "4"}])
def test_a_model_that_has_none_of_the_numbers_is_left_out(apps):
    """An empty list of apps stands for "all" further on, so there must be none."""
    assert APPS.select(None, apps) == {"birch": (4,)}


@given(st.sets(st.sampled_from([1, 2, 3, 4]), min_size=1))
def test_nothing_is_chosen_that_was_not_asked_for_or_does_not_exist(numbers):
    chosen = APPS.select(None, numbers)

    assert chosen == {
        model: found for model in APPS.models if (found := tuple(sorted(numbers & {*APPS.app_nums(model)})))
    }


@pytest.mark.parametrize(
    ("models", "apps", "kind", "message"),
    [
        (["oak"], None, UnknownNameError, "model 'oak' .*known are atlas, birch"),
        ([], None, InvalidValueError, r"models \[\] .*name at least one model"),
        (None, "1-3,x", AppRangeError, r"'1-3,x' \(from apps\)"),
        (None, {"atlas": "7-"}, AppRangeError, r"'7-' \(from apps\['atlas'\]\)"),
        (None, {"oak": "1"}, UnknownNameError, r"model 'oak' \(from apps\).*known are atlas, birch"),
        (["birch"], {"atlas": "1"}, UnknownNameError, r"model 'atlas' \(from apps\).*known are birch"),
        (None, "3,5-7", InvalidValueError, "apps '5-7' .*atlas has 1-3; birch has 2,4"),
        (["atlas"], "4", InvalidValueError, "apps '4' .*atlas has 1-3"),
        (None, [], InvalidValueError, "name at least one app"),
        (None, [0], InvalidValueError, r"app number 0 .*whole numbers from 1 to 999999"),
        (None, [True], InvalidValueError, "app number True .*whole numbers"),
        (None, ["1"], InvalidValueError, "app number '1' .*whole numbers"),
        (None, [1.0], InvalidValueError, "app number 1.0 .*whole numbers"),
        (None, {"atlas": [2_000_000]}, InvalidValueError, r"2000000 \(from apps\['atlas'\]\)"),
    ],
)
def test_a_wrong_choice_names_the_value_what_is_allowed_and_where_it_came_from(models, apps, kind, message):
    with pytest.raises(kind, match=message):
        APPS.select(models, apps)


@pytest.mark.parametrize("apps", [2.5, {"atlas": None}, {"atlas": 1.5}, object()])
def test_apps_of_a_kind_that_nobody_can_mean_are_refused_like_other_wrong_values(apps):
    with pytest.raises(InvalidValueError, match="apps"):
        APPS.select(None, apps)


@pytest.mark.parametrize("models", [5, [5], [None]])
def test_models_of_a_kind_that_nobody_can_mean_are_refused_like_other_wrong_values(models):
    with pytest.raises(InvalidValueError, match="model"):
        APPS.select(models)


def test_a_long_list_of_known_names_is_cut():
    many = portfolio(**{f"m{number:03d}": [1] for number in range(100)})

    with pytest.raises(UnknownNameError) as caught:
        many.select(["oak"])

    assert len(caught.value.known) == 100
    assert str(caught.value).endswith("m029, ...")


def test_an_empty_portfolio_knows_nothing():
    empty = Portfolio(base=APPS.base, apps=())

    with pytest.raises(UnknownNameError, match="none is known"):
        empty.select(["atlas"])
