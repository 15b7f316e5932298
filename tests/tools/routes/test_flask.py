"""Routes of Flask backends: how they are declared, where they are attached, what their handlers read."""

from __future__ import annotations

import os

import pytest

from batchnb.tools.routes import find_routes


def routes_of(tmp_path, **files):
    """Return {"METHOD /path": route} of a backend with these modules (`a__b` is a/b.py)."""
    for name, text in files.items():
        path = tmp_path / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = find_routes(tmp_path)
    assert found.unread == ()
    return {f"{route.method} {route.path}": route for route in found.routes}


APP = "from flask import Flask, request, jsonify\napp = Flask(__name__)\n"


def test_decorators_methods_and_converters(tmp_path):
    found = routes_of(
        tmp_path,
        app=APP
        + """
PREFIX = "/api"
METHODS = ["put", "DELETE"]

@app.route("/")
@app.route(PREFIX + "/index")
def index(): return ""

@app.route("/todos/<int:todo_id>/<path:rest>", methods=METHODS)
def todo(todo_id, rest): return ""

@app.post(f"{PREFIX}/todos/<uuid:key>")
def add(key): return ""

@app.route("/pick/<any(a, b):choice>", methods=("GET", "POST"))
def pick(choice): return ""
""",
    )
    assert sorted(found) == [
        "DELETE /todos/{todo_id}/{rest}",
        "GET /",
        "GET /api/index",
        "GET /pick/{choice}",
        "POST /api/todos/{key}",
        "POST /pick/{choice}",
        "PUT /todos/{todo_id}/{rest}",
    ]
    put = found["PUT /todos/{todo_id}/{rest}"]
    assert (put.path_params, put.integers) == (("todo_id", "rest"), ("todo_id",))
    assert (put.source, put.line, put.framework) == ("backend/app.py", 11, "flask")


def test_blueprints_over_files_and_inside_one_another(tmp_path):
    found = routes_of(
        tmp_path,
        app="from flask import Flask\nfrom api import api\nimport shop.views as views\n"
        "def create_app():\n    app = Flask(__name__)\n    app.register_blueprint(api, url_prefix='/v1')\n"
        "    for blueprint in (views.cart, views.plain):\n        app.register_blueprint(blueprint)\n"
        "    return app\n",
        api="from flask import Blueprint\nfrom todos import bp\n"
        "api = Blueprint('api', __name__, url_prefix='/replaced')\n"
        "api.register_blueprint(bp)\n@api.get('/me')\ndef me(): return ''\n",
        todos="from flask import Blueprint\nbp = Blueprint('todos', __name__, url_prefix='/todos')\n"
        "@bp.get('')\ndef listed(): return ''\n@bp.get('/<int:n>')\ndef one(n): return ''\n",
        shop__views="from flask import Blueprint\ncart = Blueprint('cart', __name__, url_prefix='/cart')\n"
        "plain = Blueprint('plain', __name__)\n"
        "@cart.delete('/x')\ndef x(): return ''\n@plain.get('/y')\ndef y(): return ''\n",
    )
    assert sorted(found) == [
        "DELETE /cart/x",
        "GET /v1/me",
        "GET /v1/todos",
        "GET /v1/todos/{n}",
        "GET /y",
    ]


def test_views_by_rule_class_and_resource(tmp_path):
    found = routes_of(
        tmp_path,
        app=APP
        + """
from flask.views import MethodView
from flask_restful import Api, Resource
api = Api(app)

class Todos(MethodView):
    def get(self): return jsonify(request.args.get("page", type=int))
    def post(self): return jsonify(request.json["title"])

class Note(Resource):
    def patch(self, note_id): return request.form["text"]

def plain(): return ""

app.add_url_rule("/todos", view_func=Todos.as_view("todos"))
app.add_url_rule("/only", view_func=Todos.as_view("only"), methods=["GET"])
app.add_url_rule("/plain", "plain", plain, methods=["POST"])
api.add_resource(Note, "/notes/<int:note_id>")
""",
    )
    assert sorted(found) == [
        "GET /only",
        "GET /todos",
        "PATCH /notes/{note_id}",
        "POST /plain",
        "POST /todos",
    ]
    assert (found["GET /todos"].query_params, found["GET /todos"].integers) == (("page",), ("page",))
    assert found["POST /todos"].body_fields == ("title",)
    assert found["PATCH /notes/{note_id}"].form_fields == ("text",)


READ = """
NAME = "named"
FIELDS = ("first", "second")

def body():
    return request.get_json(silent=True) or {}

def token():
    return request.headers.get("X-Token")

def check(payload, extra=None):
    return payload["handed"], extra.get("more")

class Store:
    def save(self, values): return values.get("kept")

store = Store()

def login_required(view):
    def inner(*args, **kwargs):
        if request.cookies.get("session") is None: return ""
        return view(*args, **kwargs)
    return inner

@app.before_request
def before(): request.headers["X-Before"]

@app.post("/r/<int:key>")
@login_required
def read(key):
    %s
    return ""
"""


@pytest.mark.parametrize(
    ("code", "kind", "names"),
    [
        ("request.args.get('q'); request.args['p']; request.args.getlist('t')", "query", "q p t"),
        ("args = request.args; args.get('q', '')", "query", "q"),
        ("'flag' in request.args", "query", "flag"),
        ("request.args.get(NAME)", "query", "named"),
        ("[request.args.get(k) for k in FIELDS]", "query", "first second"),
        ("data = request.get_json(); data['a']; data.get('b')", "body", "a b"),
        ("data = request.get_json(force=True) or {}; data.get('a')", "body", "a"),
        ("data = request.json if request.is_json else {}; data['a']", "body", "a"),
        ("data = request.json; copied = dict(data); copied.pop('a')", "body", "a"),
        ("if (data := request.get_json()): data['a']", "body", "a"),
        ("import json; data = json.loads(request.data); data['a']", "body", "a"),
        ("import json; json.loads(request.get_data(as_text=True))['a']", "body", "a"),
        ("data = body(); data['a']", "body", "a"),
        ("body().get('a')", "body", "a"),
        ("for key in ('a', 'b'): body()[key]", "body", "a b"),
        ("check(request.get_json(), extra=request.json)", "body", "handed more"),
        ("store.save(request.get_json() or {})", "body", "kept"),
        ("all(k in body() for k in ['a', 'b'])", "body", "a b"),
        ("request.form['a']; request.form.get('b'); request.form.to_dict().get('c')", "form", "a b c"),
        ("request.values.get('v')", "form", "v"),
        ("request.values.get('v')", "query", "v"),
        ("request.files['photo']; request.files.get('other')", "file", "photo other"),
        ("request.cookies.get('cart')", "cookies", "cart session"),
        ("token()", "headers", "X-Token X-Before"),
        ("request.authorization.username", "headers", "Authorization X-Before"),
        ("{'a': 1}['a']; other = {}; other.get('b')", "body", ""),
    ],
)
def test_what_a_handler_reads(tmp_path, code, kind, names):
    found = routes_of(tmp_path, app=APP + READ % code)["POST /r/{key}"]
    attribute = {"query": "query_params", "body": "body_fields", "form": "form_fields", "file": "file_fields"}
    assert getattr(found, attribute.get(kind, kind)) == tuple(names.split())


def test_whole_numbers_and_raw_bodies_are_known(tmp_path):
    code = "data = request.json; int(data['n']); int(data.get('m', 1)); request.data; request.args.get('q')"
    found = routes_of(tmp_path, app=APP + READ % code)["POST /r/{key}"]
    assert (found.integers, found.raw_body) == (("key", "m", "n"), True)


def test_a_get_has_no_body(tmp_path):
    text = APP + "@app.get('/x')\ndef x(): return request.json['a'] + request.args['b']\n"
    found = routes_of(tmp_path, app=text)["GET /x"]
    assert (found.body_fields, found.query_params) == ((), ("b",))


def test_code_without_a_framework_has_no_route(tmp_path):
    assert (
        routes_of(tmp_path, app="class A:\n    def get(self, p): ...\na = A()\n@a.get('/x')\ndef x(): ...\n")
        == {}
    )


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "good.py").write_text(APP + "@app.get('/x')\ndef x(): return ''\n", encoding="utf-8")
    (tmp_path / "prose.py").write_text("Here is your app:\n", encoding="utf-8")
    (tmp_path / "bytes.py").write_bytes(b"x = '\xff'\n")
    (tmp_path / "zero.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "long.py").write_text("x = [" + "1," * 60_000 + "]\n", encoding="utf-8")
    (tmp_path / "deep.py").write_text("x = " + "(" * 5_000 + ")" * 5_000, encoding="utf-8")
    (tmp_path / "huge.py").write_text("x = 1\n" * 200_000, encoding="utf-8")
    outside = tmp_path.parent / "outside.py"
    outside.write_text(APP + "@app.get('/outside')\ndef x(): return ''\n", encoding="utf-8")
    (tmp_path / "link.py").symlink_to(outside)
    os.mkfifo(tmp_path / "pipe.py")
    installed = tmp_path / "venv/site-packages"
    installed.mkdir(parents=True)
    (installed / "flask.py").write_text(APP, encoding="utf-8")
    found = find_routes(tmp_path)
    assert [route.path for route in found.routes] == ["/x"]
    reasons = dict(found.unread)
    assert sorted(reasons) == [
        *(f"backend/{name}.py" for name in ("bytes", "deep", "huge", "link", "long", "pipe", "prose")),
        "backend/venv/site-packages",
        "backend/zero.py",
    ]
    assert reasons["backend/link.py"] == "is a link"
    assert reasons["backend/prose.py"].startswith("line 1: ")


def test_deep_expressions_and_circles_end(tmp_path):
    deep = "x = " + "+".join(["'a'"] * 400)
    found = routes_of(
        tmp_path,
        app=APP + "from b import y as z\na = a\ndef f(): return g()\ndef g(): return f()\n"
        f"{deep}\n@app.get('/x')\ndef x(): return f().get('q'), request.args.get(z)\n"
        "app.register_blueprint(app)\n",
        b="from app import z as y\n",
    )
    assert sorted(found) == ["GET /x"]


def test_layers_of_blueprints_do_not_multiply(tmp_path):
    lines = [APP.replace("Flask,", "Flask, Blueprint,")]
    for layer in range(25):
        lines += [
            f"b{layer}_{n} = Blueprint('b{layer}_{n}', __name__, url_prefix='/{layer}{n}')" for n in range(4)
        ]
    for layer in range(1, 25):
        pairs = [(n, m) for n in range(4) for m in range(4)]
        lines += [f"b{layer - 1}_{n}.register_blueprint(b{layer}_{m})" for n, m in pairs]
    lines += ["app.register_blueprint(b0_0)", "@b24_0.get('/x')\ndef x(): return ''\n"]
    assert 1 <= len(routes_of(tmp_path, app="\n".join(lines))) <= 4


def test_helpers_that_call_each_other_do_not_multiply(tmp_path):
    calls = "\n".join(f"    f{n}()" for n in range(150))
    text = APP + "".join(f"def f{n}():\n{calls}\n" for n in range(150))
    text += "".join(f"@app.get('/{n}')\ndef r{n}():\n{calls}\n" for n in range(150))
    (tmp_path / "app.py").write_text(text, encoding="utf-8")
    found = find_routes(tmp_path)
    assert found.routes
    assert found.unread == (("backend", "the source takes too long to look through; routes are missing"),)


def test_a_missing_folder_has_no_route(tmp_path):
    assert find_routes(tmp_path / "nowhere").routes == ()
