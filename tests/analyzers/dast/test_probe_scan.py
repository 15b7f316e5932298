"""How the probe goes about it: ways in, order, limits, and when it must not call an app clean."""

import threading
import time

import pytest
from sites import data, page, route
from support import PATIENCE

from batchnb.analyzers.dast.client import Client
from batchnb.analyzers.dast.endpoints import endpoint_from
from batchnb.analyzers.dast.scan import Scan


def item(**headers):
    return {"GET /item": lambda asked: data({"ok": True}, **headers)}


def test_links_and_forms_lead_to_routes_that_the_source_does_not_tell(probe):
    pages = {
        "GET /": lambda asked: page('<a href="/more?topic=x">more</a><a href="http://other.invalid/">no</a>'),
        "GET /more": lambda asked: page('<form action="/find"><input name="term"></form>'),
        "GET /find": lambda asked: page(f"<p>{asked.query.get('term', '')}</p>"),
    }
    lines = probe(pages, route(path="/unknown"))

    found = [(hit["rule"], hit["endpoint"], hit["where"]) for hit in lines.hits]
    assert ("reflected-xss", "GET /find", "parameter term") in found
    assert lines.statuses("GET /unknown").keys() == {"404 as for any address"}


def account_site(*, token):
    users, sessions = {}, set()

    def register(asked):
        name, password = asked.field("username"), asked.field("password")
        if not name or len(password) < 8:
            return data({"error": "username and password of 8 characters"}, 400)
        users[name] = password
        return data({"id": len(users)}, 201)

    def login(asked):
        if not asked.field("password") or users.get(asked.field("username")) != asked.field("password"):
            return data({"error": "no"}, 401)
        sessions.add("key-of-the-session")
        if token:
            return data({"access_token": "key-of-the-session"})
        return data({}, Set_Cookie="sid=key-of-the-session; HttpOnly; SameSite=Lax; Secure")

    def private(asked):
        given = f"{asked.headers.get('Authorization', '')} {asked.headers.get('Cookie', '')}"
        return page(f"<p>{asked.q}</p>") if "key-of-the-session" in given else data({"error": "log in"}, 401)

    return {"POST /register": register, "POST /login": login, "GET /item": private}


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_an_account_opens_the_routes_behind_the_login(probe, token, known):
    fields = {"body_fields": ["username", "password"] if known else []}
    lines = probe(
        account_site(token=token),
        route("POST", "/register", **fields),
        route("POST", "/login", **fields),
        route(),
    )

    assert "reflected-xss" in lines.rules
    assert lines.end["login"] == "logged in by POST /login with an account of the probe"


def test_without_a_way_in_the_route_is_told_as_not_reached(probe):
    lines = probe({"GET /item": lambda asked: data({"error": "log in"}, 401)})

    assert lines.statuses("GET /item").keys() == {"401"}
    assert lines.end["login"] == "the app has no route that looks like a login"


def test_routes_that_delete_or_log_out_come_last(probe):
    names = "DELETE /item", "POST /logout", "GET /item", "POST /item"
    lines = probe(
        {name: lambda asked: data({}) for name in names},
        *(route(*name.split(), query_params=[]) for name in names),
    )

    first = {name: lines.site.asked.index(name) for name in names}
    assert max(first["POST /item"], first["GET /item"]) < first["DELETE /item"] < first["POST /logout"]


def test_a_target_that_is_not_there_is_said_to_be_dead(probe, serve):
    site = serve({})
    site.die()
    lines = []
    Scan(Client(site.url, max_requests=9, per_second=99, seconds=9), [], [], say=lines.append).run()

    assert (lines[-1]["alive"], lines[-1]["stopped"]) == (False, "the app did not answer before the scan")


def test_a_target_that_dies_under_the_test_is_said_to_be_dead(probe, serve):
    sites = []

    def deadly(asked):
        if "etc/passwd" in asked.q:
            sites[0].die()
        return data({})

    site = serve({"GET /item": deadly})
    sites.append(site)
    lines = []
    client = Client(site.url, max_requests=999, per_second=9999, seconds=60)
    Scan(client, [endpoint_from(route())], [], say=lines.append).run()

    assert not lines[-1]["alive"]
    assert lines[-1]["stopped"].startswith("the app stopped answering")
    assert not next(line for line in lines if line["kind"] == "route")["finished"]


def test_no_more_requests_than_allowed(probe):
    lines = probe(item(), max_requests=30)

    assert lines.end["stopped"] == "the limit of 30 requests was reached"
    assert len(lines.site.asked) < 30 + 5  # looking whether it lives is free
    assert not next(line for line in lines if line["kind"] == "route")["finished"]


def test_no_more_time_than_allowed(probe):
    began = time.monotonic()
    lines = probe({"GET /item": lambda asked: (time.sleep(0.05), data({}))[1]}, seconds=0.5)

    assert lines.end["stopped"] == "the time for the scan was used up"
    assert time.monotonic() - began < 10


def test_not_faster_than_allowed(probe):
    began = time.monotonic()
    probe(item(), max_requests=20, per_second=40)

    assert time.monotonic() - began >= 0.4


def test_a_route_that_never_answers_does_not_take_the_time_of_the_others(probe, monkeypatch):
    monkeypatch.setattr("batchnb.analyzers.dast.client.REQUEST_SECONDS", 0.2)
    stuck = threading.Event()
    handlers = {
        "GET /stuck": lambda asked: data({"stuck": "zq" in asked.q and stuck.wait(PATIENCE)}),
        "GET /z": lambda asked: page(f"<p>{asked.q}</p>"),
    }
    lines = probe(handlers, route(path="/stuck"), route(path="/z"))
    stuck.set()

    assert lines.rules == ["reflected-xss"]
    finished = {line["route"]: line["finished"] for line in lines if line["kind"] == "route"}
    assert finished == {"GET /stuck": False, "GET /z": True}
    assert lines.end["alive"]


def test_cookies_that_are_no_cookies_are_not_sent(probe):
    lines = probe(item(Set_Cookie="session=a\x01b; HttpOnly; SameSite=Lax; Secure"))
    assert lines.end["alive"]
    assert lines.end["stopped"] == ""


def test_a_redirect_is_never_followed(probe, serve):
    other = serve({"GET /trap": lambda asked: page("<p>trap</p>")})
    lines = probe({"GET /item": lambda asked: page("", 302, Location=f"{other.url}/trap")})

    assert other.asked == []
    assert lines.rules == []


def test_answers_without_end_or_sense_stop_nobody(probe):
    bodies = iter([b"\xff\x00" * 10, b"<" * 900_000, b"[" * 100_000, b"<!--", b"&#x110000;<svg"] * 200)
    kinds = iter(["text/html", "application/json", "text/html; charset=\x7f", ""] * 300)
    lines = probe({"GET /item": lambda asked: (200, {"Content-Type": next(kinds)}, next(bodies))})

    assert lines.end["stopped"] == ""
