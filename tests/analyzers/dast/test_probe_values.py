"""Values that the app uses wrongly are found and proven; the same route done right stays clean."""

import html
import json
import re
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from jinja2 import Template
from sites import data, page, route

NAMES = ("tea", "coffee", "milk")


def query(sql, *values):
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE drinks (id INTEGER PRIMARY KEY, name TEXT)")
        db.executemany("INSERT INTO drinks (name) VALUES (?)", [(name,) for name in NAMES])
        return db.execute(sql, values).fetchall()


def searched(sql, *, silent=True):
    """Return a handler that searches; `sql` is made from the value, as an app should not."""

    def search(asked):
        try:
            return data(query(sql(asked.q)))
        except (sqlite3.Error, sqlite3.Warning) as error:
            return data({"error": "it failed" if silent else repr(str(error))}, 200 if silent else 500)

    return search


def like(value):
    return f"SELECT * FROM drinks WHERE name LIKE '%{value}%'"


def equal(value):
    return f"SELECT * FROM drinks WHERE name = '{value}'"


def number(value):
    return f"SELECT * FROM drinks WHERE id = {value}"


def insert(value):
    return f"INSERT INTO drinks (name) VALUES ('{value}')"


def shell(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True, timeout=20, check=False).stdout


def evaluated(value):
    try:
        return data({"result": eval(value, {}, {"total": 3})})
    except Exception as error:  # noqa: BLE001 - whatever it is, the app says so
        return data({"error": f"bad formula: {error}"}, 400)


def calculated(value):
    """Arithmetic only, as a careful app does it."""
    if not re.fullmatch(r"[0-9+*/(). -]+", value):
        return data({"error": "only numbers"}, 400)
    return evaluated(value)


def file_at(path):
    found = Path(path)
    try:
        return 200, {"Content-Type": "text/plain"}, found.read_bytes() if found.is_file() else b"none"
    except (OSError, ValueError):
        return data({"error": "no such file"}, 404)


def checked_redirect(asked):
    parts = urlsplit(asked.q)
    safe = not parts.scheme and not parts.netloc and re.match(r"/(?![/\\])", asked.q)
    return page("", 302, Location=asked.q if safe else "/")


FAULTY = {
    "LIKE": ("sqli-boolean", searched(like)),
    "equality": ("sqli-boolean", searched(equal)),
    "a number": ("sqli-boolean", searched(number)),
    "an error that is shown": ("sqli-error", searched(insert, silent=False)),
    "an insert that only fails": (
        "sqli-error",
        lambda asked: (
            data({"ok": True}) if searched(insert, silent=False)(asked)[0] == 200 else data({}, 500)
        ),
    ),
    "an insert that says nothing": (
        "sqli-time",
        lambda asked: (searched(insert)(asked), data({"ok": True}))[1],
    ),
    "a shell": ("command-injection", lambda asked: data({"out": shell(f"echo {asked.q}")})),
    "a shell with quotes": ("command-injection", lambda asked: data({"out": shell(f"echo '{asked.q}'")})),
    "a silent shell": ("command-injection-time", lambda asked: (shell(f"test -e {asked.q}"), data({}))[1]),
    "a template": ("template-injection", lambda asked: data(_rendered(f"Hello {asked.q}"))),
    "eval": ("code-injection", lambda asked: evaluated(asked.q)),
    "a path": (
        "path-traversal",
        lambda asked: file_at(f"/srv/none/{asked.q}" if asked.q[:1] != "." else f"/{asked.q}"),
    ),
    "an absolute path": ("path-traversal", lambda asked: file_at(Path("/srv") / asked.q)),
    "a redirect": ("open-redirect", lambda asked: page("", 302, Location=asked.q or "/")),
    "a half-checked redirect": (
        "open-redirect",
        lambda asked: page("", 302, Location=asked.q if asked.q.startswith("/") else "/"),
    ),
    "text": ("reflected-xss", lambda asked: page(f"<h1>{asked.q}</h1>")),
    "an attribute": (
        "reflected-xss",
        lambda asked: page(f'<input value="{asked.q.replace("<", "").replace(">", "")}">'),
    ),
    "a bare attribute": ("reflected-xss", lambda asked: page(f"<input value={html.escape(asked.q)}>")),
    "a title": ("reflected-xss", lambda asked: page(f"<title>{asked.q}</title>")),
    "a script": (
        "reflected-xss",
        lambda asked: page(f"<script>var x = '{asked.q.replace('<', '')}';</script>"),
    ),
    "a link": ("reflected-xss", lambda asked: page(f'<a href="{html.escape(asked.q)}">go</a>')),
}

CLEAN = {
    "a parameter of SQL": lambda asked: data(query("SELECT * FROM drinks WHERE name LIKE ?", f"%{asked.q}%")),
    "a search for words": lambda asked: data(
        [name for name in NAMES if any(w in name for w in asked.q.split())]
    ),
    "one answer for each value": lambda asked: data({"length": len(asked.q), "words": asked.q.split()}),
    "a failing server": lambda asked: data({"error": "no"}, 500),
    "quotes that are refused": lambda asked: data({}, 500 if "'" in asked.q else 200),
    "an argument": lambda asked: data(
        {"out": subprocess.check_output(["echo", asked.q.replace("\0", "")], text=True)}
    ),
    "a value in a template": lambda asked: data(Template("Hello {{ name }}").render(name=asked.q)),
    "a calculator": lambda asked: calculated(asked.q),
    "a checked path": lambda asked: file_at(Path("/srv") / Path(asked.q.replace("\0", "")).name),
    "an echo of file names": lambda asked: data({"error": f"no file {asked.q}"}, 404),
    "a checked redirect": checked_redirect,
    "escaped text": lambda asked: page(f"<h1>{html.escape(asked.q)}</h1>"),
    "an escaped attribute": lambda asked: page(f'<input value="{html.escape(asked.q)}">'),
    "a text area": lambda asked: page(f"<textarea>{html.escape(asked.q)}</textarea>"),
    "markup that is no page": lambda asked: data({"html": f"<h1>{asked.q}</h1>"}),
    "plain text": lambda asked: (200, {"Content-Type": "text/plain"}, f"<h1>{asked.q}</h1>"),
    "a download": lambda asked: page(f"<h1>{asked.q}</h1>", Content_Disposition="attachment"),
    "a string in a script": lambda asked: page(
        f"<script>var x = {json.dumps(asked.q).replace('<', chr(92) + 'u003c')};</script>"
    ),
    "the body of a redirect": lambda asked: page(
        f'<a href="{html.escape(asked.q)}">go</a>', 302, Location="/"
    ),
}


def _rendered(source):
    try:
        return Template(source).render()
    except Exception:  # noqa: BLE001 - a template that is none
        return "no template"


@pytest.mark.parametrize(("rule", "handler"), FAULTY.values(), ids=FAULTY)
def test_a_fault_is_found_and_proven(probe, rule, handler):
    lines = probe({"GET /item": handler})

    assert lines.rules == [rule]
    (hit,) = [hit for hit in lines.hits if hit["rule"] == rule]
    assert (hit["endpoint"], hit["where"]) == ("GET /item", "parameter q")
    assert hit["proof"]
    assert hit["request"].startswith("GET /item?q=")
    assert lines.end["stopped"] == ""


@pytest.mark.parametrize("handler", CLEAN.values(), ids=CLEAN)
def test_the_clean_twin_stays_clean(probe, handler):
    lines = probe({"GET /item": handler})

    assert lines.rules == []
    assert lines.end["stopped"] == ""
    assert lines.end["alive"]


def test_an_answer_that_is_slow_at_random_is_no_time_based_injection(probe):
    turn = iter(range(10_000))

    def slow(asked):
        time.sleep(2.2 if next(turn) % 40 == 0 else 0)
        return data({"ok": True})

    assert probe({"GET /item": slow}).rules == []


def test_values_in_the_body_and_in_the_path_are_tried_too(probe):
    lines = probe(
        {
            "POST /run": lambda asked: data({"out": shell(f"echo {asked.field('name')}")}),
            "GET /page/{name}": lambda asked: page(f"<h1>{unquote(asked.path['name'])}</h1>"),
        },
        route("POST", "/run", body_fields=["name"]),
        route("GET", "/page/{name}", path_params=["name"]),
    )

    found = {(hit["rule"], hit["endpoint"], hit["where"]) for hit in lines.hits}
    assert ("command-injection", "POST /run", "JSON field name") in found
    assert ("reflected-xss", "GET /page/{name}", "parameter name") in found


def test_no_payload_names_a_host_that_could_exist(probe):
    lines = probe({"GET /item": lambda asked: page(f"<p>{html.escape(asked.q)}</p>")})

    sent = [unquote(request) for request in lines.site.asked]
    hosts = {match[1] for request in sent for match in re.finditer(r"//+\\?([\w.-]+\.[a-z]+)", request)}
    assert hosts == {"probe.invalid"}
