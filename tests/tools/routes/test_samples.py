"""Every seeded fault that can be reached over HTTP is on a route, and its parameter is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchnb.tools.routes import find_routes, openapi

EXAMPLES = Path(__file__).parents[3] / "examples"
APPS = json.loads((EXAMPLES / "truth.json").read_text(encoding="utf-8"))["apps"]
REACHABLE = [
    (app["model"], app["app"], fault["dast"])
    for app in APPS
    for fault in app["faults"]
    if fault["dast"] and app["backend"]
]


def backend(model, number):
    return EXAMPLES / "portfolio" / model / f"app{number}" / "backend"


def test_there_is_something_to_find():
    assert len(REACHABLE) > 20


@pytest.mark.parametrize(("model", "number", "dast"), REACHABLE)
def test_the_route_of_a_fault_is_found(model, number, dast):
    routes = find_routes(backend(model, number)).routes
    (route,) = [r for r in routes if (r.method, r.path) == (dast["method"], dast["path"])]
    names = {
        *(*route.path_params, *route.query_params, *route.body_fields, *route.form_fields),
        *(*route.file_fields, *route.cookies, *route.headers),
        *(["body"] if route.raw_body else []),
    }
    assert dast["param"] is None or dast["param"] in names
    document = json.dumps(openapi(routes, "http://127.0.0.1:5000"))
    assert f'"{dast["path"]}"' in document


@pytest.mark.parametrize("app", APPS, ids=lambda app: f"{app['model']}-{app['app']}")
def test_broken_files_are_told(app):
    found = find_routes(backend(app["model"], app["app"]))
    broken = {name for name in app["unparsed"] if name.startswith("backend/")}
    assert {name for name, _ in found.unread} == broken
