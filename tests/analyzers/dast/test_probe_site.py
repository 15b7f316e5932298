"""What the probe sees of the app as a whole: headers, cookies, origins, errors, files, what is kept."""

import html
import re

import pytest
from sites import data, page, route

TRACE = 'Traceback (most recent call last):\n  File "/app/app.py", line 3, in view\n    1 / 0\n'


NODE_TRACE = (
    "<pre>Error: x is not defined<br> &nbsp; &nbsp;at eval (eval at &lt;anonymous&gt; (/app/s.js:1:2))"
    "<br> &nbsp; &nbsp;at /app/s.js:14:66<br> &nbsp; &nbsp;at Layer.handle (/app/lib/layer.js:95:5)</pre>"
)


def item(**headers):
    return {"GET /item": lambda asked: data({"ok": True}, **headers)}


@pytest.mark.parametrize(
    ("rule", "allow"),
    [
        ("cors-reflected-credentials", lambda origin: {"Origin": origin, "Credentials": "true"}),
        ("cors-reflected", lambda origin: {"Origin": origin}),
        ("cors-any-origin", lambda origin: {"Origin": "*", "Credentials": "true"}),
        ("", lambda origin: {"Origin": "http://localhost:3000", "Credentials": "true"}),
        ("", lambda origin: {}),
    ],
)
def test_origins_that_may_read_answers(probe, rule, allow):
    def answer(asked):
        allowed = allow(asked.headers.get("Origin", "*"))
        return data({}, **{f"Access_Control_Allow_{name}": value for name, value in allowed.items()})

    assert probe({"GET /item": answer}).rules == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("cookie", "rules"),
    [
        ("session=abc", ["cookie-httponly", "cookie-samesite", "cookie-secure"]),
        ("session=abc; HttpOnly; SameSite=Lax; Secure", []),
        ("session=; Max-Age=0", []),
        ("theme=dark", []),
    ],
)
def test_cookies_of_a_session_need_their_flags(probe, cookie, rules):
    assert probe(item(Set_Cookie=cookie)).rules == rules


def test_missing_headers_are_told_once_with_everybody_who_lacks_them(probe):
    shown = {f"GET /{name}": lambda asked: page("<p>hello</p>") for name in ("one", "two")}
    lines = probe(shown, route(path="/one"), route(path="/two"))

    assert sorted(hit["rule"] for hit in lines.hits) == [
        "header-content-security-policy",
        "header-content-type-options",
        "header-frame-options",
    ]
    assert all("(and 1 more: GET /two)" in hit["what"] for hit in lines.hits)


def test_headers_that_are_set_are_not_missing(probe):
    headers = {"X_Content_Type_Options": "nosniff", "Content_Security_Policy": "default-src 'none'"}
    assert probe({"GET /item": lambda asked: page("<p>hello</p>", **headers)}).hits == []


@pytest.mark.parametrize(
    ("answer", "rules"),
    [
        (lambda: page(f"<pre>{html.escape(TRACE)}</pre>", 500), ["error-page-stack-trace"]),
        (lambda: data({"trace": TRACE}, 500), ["error-page-stack-trace"]),
        (lambda: page(NODE_TRACE, 500), ["error-page-stack-trace"]),
        (lambda: page("<script>EVALEX = true;</script>", 500), ["debug-mode"]),
        (lambda: data({"error": "something went wrong"}, 500), []),
    ],
)
def test_error_pages_that_tell_too_much(probe, answer, rules):
    assert probe({"GET /item": lambda asked: answer()}).rules == rules


def test_a_broken_body_brings_out_the_stack_trace(probe):
    def create(asked):
        return data({}) if isinstance(asked.json, dict) else data({"trace": TRACE}, 500)

    assert probe({"POST /item": create}, route("POST", body_fields=["name"])).rules == [
        "error-page-stack-trace"
    ]


def test_files_that_are_served(probe):
    files = {
        "GET /.env": lambda asked: (200, {"Content-Type": "text/plain"}, "SECRET_KEY=abc\n"),
        "GET /.git/config": lambda asked: (200, {"Content-Type": "text/plain"}, "[core]\n\tbare = false\n"),
    }
    lines = probe({**item(), **files})

    found = [hit["endpoint"] for hit in lines.hits if hit["rule"] == "exposed-file"]
    assert found == ["GET /.env", "GET /.git/config"]


def test_one_page_for_every_address_exposes_nothing(probe):
    text = "SECRET_KEY=abc\n[core]\nimport os\n"
    assert (
        probe({**item(), "GET /{x}": lambda asked: (200, {"Content-Type": "text/plain"}, text)}).rules == []
    )


@pytest.mark.parametrize("escape", [False, True])
def test_a_kept_text_that_becomes_markup(probe, escape):
    kept = []

    def write(asked):
        kept.append(asked.field("text"))
        return data({"id": len(kept)}, 201)

    def show(asked):
        return page("".join(f"<li>{html.escape(text) if escape else text}</li>" for text in kept))

    routes = route("POST", "/notes", body_fields=["text"]), route("GET", "/notes", query_params=[])
    lines = probe({"POST /notes": write, "GET /notes": show}, *routes)

    assert lines.rules == ([] if escape else ["stored-xss"])
    for hit in lines.hits:
        if hit["rule"] == "stored-xss":
            assert (hit["endpoint"], hit["where"]) == ("POST /notes", "JSON field text")
            assert "GET /notes" in hit["what"]


@pytest.mark.parametrize("attached", [False, True])
def test_an_uploaded_page_that_is_shown_as_one(probe, attached):
    kept = {}

    def upload(asked):
        name, content = re.search(rb'filename="([^"]+)"\r\n\r\n(.*?)\r\n--', asked.body, re.DOTALL).groups()
        kept[name.decode()] = content
        return data({"name": name.decode()}, 201)

    def view(asked):
        if asked.path["name"] not in kept:
            return data({"error": "no such file"}, 404)
        headers = {"Content_Disposition": "attachment"} if attached else {}
        return page(kept[asked.path["name"]].decode(), **headers)

    routes = route("POST", "/files", file_fields=["file"]), route("GET", "/view/{name}", path_params=["name"])
    lines = probe({"POST /files": upload, "GET /view/{name}": view}, *routes)

    assert lines.rules == ([] if attached else ["stored-xss-upload"])
    assert lines.statuses("GET /view/{name}").get("404")  # its code was reached before there was a file
