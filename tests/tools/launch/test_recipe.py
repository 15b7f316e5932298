"""How a backend is started is found in its source."""

from __future__ import annotations

import pytest

from batchnb.tools.launch import AppNotRunningError
from batchnb.tools.launch.recipe import Recipe, find_recipe

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
MAIN = "if __name__ == '__main__':\n    app.run()\n"
EXPRESS = "const app = require('express')();\n"


@pytest.mark.parametrize(
    ("files", "recipe"),
    [
        ({"app.py": FLASK + MAIN}, Recipe(framework="flask", file="app.py")),
        ({"app.py": FLASK}, Recipe(framework="flask", module="app")),
        ({"zebra.py": FLASK, "wsgi.py": FLASK}, Recipe(framework="flask", module="wsgi")),
        ({"src/app.py": FLASK, "other.py": FLASK}, Recipe(framework="flask", module="other")),
        (
            {"run.py": "from shop import create_app\napp = create_app()\n" + MAIN, "shop/__init__.py": FLASK},
            Recipe(framework="flask", file="run.py"),
        ),
        (
            {"shop/__init__.py": "import flask\ndef create_app():\n    return flask.Flask('x')\n"},
            Recipe(framework="flask", module="shop"),
        ),
        (
            {"main.py": "from fastapi import FastAPI\napi = FastAPI()\n"},
            Recipe(framework="fastapi", module="main:api"),
        ),
        (
            {"app/main.py": "import fastapi\napp = fastapi.FastAPI()\n"},
            Recipe(framework="fastapi", module="app.main:app"),
        ),
        ({"server.js": EXPRESS}, Recipe(framework="express", file="server.js")),
        (
            {"package.json": '{"scripts": {"start": "node ./bin/www.js"}}', "bin/www.js": EXPRESS},
            Recipe(framework="express", file="bin/www.js"),
        ),
        ({"package.json": '{"main": "x.js"}', "x.js": EXPRESS}, Recipe(framework="express", file="x.js")),
        (
            {"package.json": '{"main": "../../x.js"}', "app.js": EXPRESS},
            Recipe(framework="express", file="app.js"),
        ),
    ],
)
def test_the_recipe(files, recipe, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert find_recipe(tmp_path) == recipe


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Here is your app:", "app.py cannot be parsed, line 1"),
        ("\u202ex = 1", r"invalid non-printable character U\+202E"),
        ("x = 1", "no Flask or FastAPI application"),
        ("from flask import request\n", "no Flask or FastAPI application"),
        ("x = " + "(" * 5_000, "app.py cannot be parsed"),
    ],
)
def test_without_a_recipe_the_reason_is_told(text, said, tmp_path):
    (tmp_path / "app.py").write_text(text, encoding="utf-8")
    with pytest.raises(AppNotRunningError, match=said):
        find_recipe(tmp_path)
