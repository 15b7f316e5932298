"""The parts of a load test that need no tool: percentiles, endpoints, taking turns."""

import json
import math
import os
import random
import threading
from collections import Counter

import pytest

from batchnb.analyzers.base import check_options
from batchnb.analyzers.load.endpoints import found_endpoints, named_endpoints
from batchnb.analyzers.load.library import seconds_of
from batchnb.analyzers.load.measuring import Wanted, wanted_of, without_endpoints
from batchnb.analyzers.load.quantiles import percentile, share_of, spread
from batchnb.analyzers.load.requirement_routes import routes_in
from batchnb.analyzers.load.turn import NoTurnError, turn
from batchnb.analyzers.performance import PerformanceTester
from batchnb.records import CoverageStatus
from batchnb.records.errors import BatchnbError, InvalidValueError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.layout import AppFolder
from batchnb.tools.routes import Route

# ---------------------------------------------------------------------------------------- percentiles


def test_percentiles_are_order_statistics():
    values = Counter(range(1, 1001))
    found = percentile([values], 0.95)
    assert (found.value, found.samples) == (950, 1000)
    assert (found.low, found.high) == (936, 965)  # ranks 950 -+ 1.96 * sqrt(1000 * 0.95 * 0.05)
    few = percentile([Counter({10: 5})], 0.99)
    assert (few.value, few.low, few.high) == (10, 10, None)  # five cannot tell how bad one in a hundred is
    assert percentile([], 0.5).value is None
    assert percentile([Counter()], 0.5).value is None


def test_the_interval_holds_the_true_percentile_as_often_as_it_says():
    dice = random.Random(7)
    truth = -math.log(1 - 0.9) * 1000
    hits = 0
    for _ in range(400):
        found = percentile([Counter(round(dice.expovariate(0.001)) for _ in range(200))], 0.9)
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / 400 <= 0.99


def test_an_interval_holds_each_run():
    found = percentile([Counter({10: 500}), Counter({30: 500})], 0.5)
    assert (found.low, found.high) == (10, 30)


def test_shares_have_wilsons_interval():
    found = share_of(10, 100)
    assert (found.low, found.high) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert (share_of(0, 50).low, share_of(50, 50).high) == (0.0, 1.0)
    assert share_of(0, 0).value is None


def test_one_run_has_no_spread():
    assert spread([3.0]).low is None
    assert (spread([3.0, 5.0]).value, spread([3.0, 5.0]).low, spread([3.0, 5.0]).high) == (4, 3, 5)
    assert spread([]).value is None


# ------------------------------------------------------------------------------------------ endpoints


def test_endpoints_by_name():
    plain, path, post = named_endpoints(
        ["GET /api/todos?q=a%20b", " /api ", {"method": "post", "path": "/x", "body": {"a": 1}, "weight": 3}]
    )
    assert (plain.name, path.name, post.name) == ("GET /api/todos?q=a%20b", "GET /api", "POST /x")
    assert (post.body, post.headers, post.weight) == ('{"a": 1}', {"Content-Type": "application/json"}, 3)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://10.0.0.1/",
        "//10.0.0.1/",
        "GET api",
        "GET /a b",
        "GET /\\evil",
        "GET /#x",
        "GET /\u202e",
        "GET /a\r\nHost: x",
        "BREW /pot",
        "GET /" + "a" * 3000,
        {"path": "/", "headers": {"Host": "evil"}},
        {"path": "/", "headers": {"X-A": "b\r\nc: d"}},
        {"path": "/", "headers": {"X A": "b"}},
        {"path": "/", "weight": 0},
        {"path": "/", "speed": 9},
        {},
    ],
)
def test_endpoints_that_cannot_be_sent(endpoint):
    with pytest.raises(InvalidValueError):
        named_endpoints([endpoint])


def test_an_endpoint_twice_is_a_mistake():
    with pytest.raises(InvalidValueError, match="twice"):
        named_endpoints(["/a", "GET /a"])


def route(method, path, **values):
    return Route(method=method, path=path, source="backend/app.py", line=4, framework="flask", **values)


ROUTES = [
    route("DELETE", "/todos/{id}", path_params=("id",)),
    route("GET", "/todos", query_params=("q", "page")),
    route("GET", "/todos/{id}", path_params=("id",), integers=("id",)),
    route("GET", "/users/{name}", path_params=("name",)),
    route("HEAD", "/todos"),
    route("POST", "/logout"),
    route("POST", "/login", form_fields=("email", "password")),
    route("POST", "/todos", body_fields=("title", "done", "count")),
    route("POST", "/upload", file_fields=("file",)),
]


def test_found_endpoints_only_read_unless_writes_are_wanted():
    found = found_endpoints(ROUTES, include_writes=False, most=20)
    assert [endpoint.name for endpoint in found.endpoints] == [
        "GET /todos?q=load&page=1",
        "GET /todos/1",
        "GET /users/load",
    ]
    assert (found.left_out, found.writes) == ((), 5)
    assert found.endpoints[0].without_query.name == "GET /todos"
    assert (found.endpoints[0].source, found.endpoints[0].line) == ("backend/app.py", 4)


def test_bodies_are_made_from_the_names_of_fields():
    found = found_endpoints(ROUTES, include_writes=True, most=20)
    by_name = {endpoint.name: endpoint for endpoint in found.endpoints}
    assert list(by_name)[:2] == ["POST /login", "POST /todos"]  # first, so that the others find something
    assert json.loads(by_name["POST /todos"].body) == {"title": "load", "done": True, "count": 1}
    assert by_name["POST /login"].body == "email=load%40example.invalid&password=Load-Test-77"
    assert {name for name, _ in found.left_out} == {"DELETE /todos/{id}", "POST /logout", "POST /upload"}


def test_the_limit_on_endpoints_leaves_out_writes_first_and_names_them():
    found = found_endpoints(ROUTES, include_writes=True, most=4)
    assert [endpoint.method for endpoint in found.endpoints] == ["POST", "GET", "GET", "GET"]
    assert ("POST /todos", "beyond the limit of 4 endpoints") in found.left_out


def test_hostile_routes_are_quoted_or_left_out():
    found = found_endpoints(
        [
            route("GET", "/a b\u202e<x>\r\n"),
            route("GET", "//evil/"),
            route("GET", "/{a/b}", path_params=("a/b",)),
        ],
        include_writes=False,
        most=9,
    )
    assert [endpoint.path for endpoint in found.endpoints] == ["/a%20b%E2%80%AE%3Cx%3E%0D%0A", "/load"]
    assert [name for name, _ in found.left_out] == ["GET //evil/"]


def test_routes_that_requirements_name():
    routes = routes_in(
        [
            "GET /api/search?q= finds products by name",
            "PUT /api/todos/<id> changes it; GET /api/search?q= too.",
            "The page is at /home, and you GET nothing. POST /api/cart, then pay",
        ]
    )
    assert [(each.method, each.path, each.query_params) for each in routes] == [
        ("GET", "/api/search", ("q",)),
        ("PUT", "/api/todos/{id}", ()),
        ("POST", "/api/cart", ()),
    ]


def app_with(folder, source):
    backend = folder / "atlas" / "app1" / "backend"
    backend.mkdir(parents=True)
    (backend / "app.py").write_text(source)
    return AppFolder(model="atlas", app_num=1, path=backend.parent)


def options(**values):
    return check_options(PerformanceTester, values, "test")


def test_endpoints_come_from_the_source_or_the_requirements(tmp_path):
    app = app_with(tmp_path, "x = 1\n")
    assert without_endpoints(wanted_of(app, options())).status is CoverageStatus.NOT_APPLICABLE
    listed = {"1": {"requirements": ["GET /api/health answers", "POST /api/x makes one"]}}
    (tmp_path / "requirements.json").write_text(json.dumps(listed))
    wanted = wanted_of(app, options())
    assert ([endpoint.name for endpoint in wanted.endpoints], wanted.writes) == (["GET /api/health"], 1)
    (app.path / "backend" / "app.py").write_text(
        "from flask import Flask\napp = Flask(__name__)\n@app.route('/own')\ndef own():\n    return ''\n"
    )
    assert [endpoint.name for endpoint in wanted_of(app, options()).endpoints] == ["GET /own"]
    (named,) = wanted_of(app, options(endpoints=["/own?x=1"])).endpoints
    assert (named.source, named.line) == ("backend/app.py", 3)


def test_a_source_that_cannot_be_read_is_a_failure(tmp_path):
    run = without_endpoints(wanted_of(app_with(tmp_path, "def broken(:\n"), options()))
    assert run.status is CoverageStatus.FAILED
    assert "backend/app.py" in run.detail


def test_nothing_but_writes_says_so():
    run = without_endpoints(Wanted(endpoints=(), writes=3))
    assert run.status is CoverageStatus.NOT_APPLICABLE
    assert "include_writes" in run.detail


# -------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    "values",
    [
        {"endpoints": ["GET //evil"]},
        {"users": 201},
        {"users": 200, "spawn_rate": 1},
        {"run_seconds": 301},
        {"repeats": 0},
        {"max_requests": 10**7},
        {"warm_up_seconds": -1},
    ],
)
def test_a_load_test_has_bounds(values):
    with pytest.raises(InvalidValueError):
        options(**values)


def test_options_survive_the_way_to_a_worker():
    given = options(endpoints=["/a", {"path": "/x", "method": "POST", "body": {"a": [1, None, "b"]}}])
    text = given.model_dump_json(round_trip=True, by_alias=True)
    assert type(given).model_validate_json(text) == given


def test_every_option_is_described():
    for name, field in PerformanceTester.options.model_fields.items():
        assert field.title, name
        assert field.description, name


def test_durations():
    assert [seconds_of(each) for each in (5, 5.0, "5", "30s", "2 m")] == [5, 5, 5, 30, 120]
    for wrong in ("soon", "1h", 1.5, True, math.nan, math.inf):
        with pytest.raises(InvalidValueError):
            seconds_of(wrong)


# --------------------------------------------------------------------------------------- taking turns


def test_a_turn_ends_before_the_next_begins(tmp_path):
    lock, order = tmp_path / "lock", []
    waiting = threading.Event()

    def second():
        with turn(Deadline.after(60), CancelToken(), waiting.set, lock):
            order.append("second")

    thread = threading.Thread(target=second)
    with turn(Deadline.after(60), CancelToken(), path=lock) as note:
        assert note == ""
        thread.start()
        assert waiting.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


def test_waiting_ends_at_the_deadline_or_when_cancelled(tmp_path):
    lock = tmp_path / "lock"
    cancel = CancelToken()
    with turn(Deadline.after(60), CancelToken(), path=lock):
        with pytest.raises(NoTurnError, match="lock"), turn(Deadline.after(0.05), CancelToken(), path=lock):
            pytest.fail("there was no turn to take")
        with (
            pytest.raises(NoTurnError),
            turn(Deadline.after(60), cancel, lambda: cancel.cancel("enough"), lock),
        ):
            pytest.fail("there was no turn to take")
    with turn(Deadline.after(60), CancelToken(), path=lock) as note:
        assert note == ""
    assert issubclass(NoTurnError, BatchnbError)


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_a_strangers_lock_is_not_used_and_that_is_told(kind, tmp_path):
    lock, other = tmp_path / "lock", tmp_path / "other"
    other.write_text("precious")
    {"link": lambda: lock.symlink_to(other), "fifo": lambda: os.mkfifo(lock), "folder": lock.mkdir}[kind]()
    with turn(Deadline.after(5), CancelToken(), path=lock) as note:
        assert note.startswith("no lock on other load tests")
    assert other.read_text() == "precious"


def test_the_lock_is_there_for_every_user_whatever_the_umask_of_the_first(tmp_path):
    before = os.umask(0o077)
    try:
        with turn(Deadline.after(5), CancelToken(), path=tmp_path / "lock") as note:
            assert note == ""
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o644
