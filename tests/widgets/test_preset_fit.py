from __future__ import annotations

from test_form_presenter import CONTEXT, FIRST, OFFERS, TABLE, chosen, field, option, say

from batchnb.widgets.form_presenter import present_form
from batchnb.widgets.preset_fit import fit_preset, preset_of
from batchnb.widgets.presets import Preset

TYPED = (
    {"do": "pick", "rows": [1, 1], "columns": [0, 0], "on": False},
    chosen("performance"),
    option("performance", "users", "20"),
    option("performance", "endpoints", "GET /a\nGET /b"),
    {"do": "limit", "analysis": "performance", "text": "900"},
    field("name", "nightly"),
    field("description", "why"),
    field("timeout", "60"),
    field("at_once", "4"),
)


def saved(draft):
    return preset_of(draft, present_form(draft, CONTEXT).values, TABLE)


def test_what_is_saved_comes_back_whole():
    draft = say(*TYPED)
    again, lost = fit_preset(saved(draft), TABLE, OFFERS)
    assert lost == ()
    assert present_form(again, CONTEXT) == present_form(draft, CONTEXT)
    assert present_form(again, CONTEXT).spec is not None


def test_all_apps_stay_all_apps():
    assert saved(FIRST).apps is None
    assert fit_preset(Preset(), TABLE, OFFERS)[0].selection == FIRST.selection


def test_only_options_that_were_changed_are_saved():
    preset = saved(say(*TYPED))
    assert preset.options == {"performance": {"users": 20, "endpoints": ["GET /a", "GET /b"]}}
    assert preset.apps == {"atlas": "1-3", "birch": "2"}


def test_what_is_not_there_any_more_is_told_and_the_rest_loaded():
    preset = Preset(
        apps={"atlas": "2-9", "gone": "1", "birch": "x"},
        analyses=("backend_security", "vanished"),
        options={"performance": {"users": 999, "run_seconds": 5, "old": 1}, "lost": {"a": 1}},
        limits={"away": "5", "zap": "7"},
        timeout="soon",
    )
    draft, lost = fit_preset(preset, TABLE, OFFERS)
    assert draft.selection.picks == {("atlas", 2), ("atlas", 3)}
    assert draft.analyses == ("backend_security",)
    assert draft.options == {"performance": {"run_seconds": "5"}}
    assert draft.limits == {"zap": "7"}
    assert lost == (
        "there is no analysis 'vanished' any more",
        "there is no analysis 'lost' any more",
        "there is no analysis 'away' any more",
        "'atlas' has no app 4-9 any more",
        "there is no model 'gone' any more",
        "'x' is no range of apps of 'birch'",
        "Performance, Users: 999 is not allowed (Input should be less than or equal to 200)",
        "Performance has no option 'old' any more",
    )
    assert set(present_form(draft, CONTEXT).errors) == {"timeout"}  # said beside its field
