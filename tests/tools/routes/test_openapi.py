"""Routes as an OpenAPI document."""

from __future__ import annotations

from batchnb.tools.routes import Route, openapi

PLACE = {"source": "backend/app.py", "line": 7, "framework": "flask"}


def test_parameters_and_bodies():
    routes = [
        Route(
            method="POST",
            path="/api/todos/{todo_id}",
            path_params=("todo_id",),
            query_params=("q",),
            cookies=("session",),
            headers=("X-Token", "Content-Type"),
            body_fields=("title", "effort"),
            integers=("effort", "todo_id"),
            **PLACE,
        ),
        Route(method="GET", path="/api/todos/{todo_id}", path_params=("todo_id",), **PLACE),
        Route(method="POST", path="/up", form_fields=("note",), file_fields=("photo",), **PLACE),
        Route(method="POST", path="/form", form_fields=("note",), **PLACE),
        Route(method="POST", path="/raw", raw_body=True, **PLACE),
        Route(method="PURGE", path="/odd", **PLACE),
    ]
    document = openapi(routes, "http://127.0.0.1:5101")
    assert document["openapi"].startswith("3.0")
    assert document["servers"] == [{"url": "http://127.0.0.1:5101"}]
    assert sorted(document["paths"]) == ["/api/todos/{todo_id}", "/form", "/raw", "/up"]
    operations = document["paths"]["/api/todos/{todo_id}"]
    assert sorted(operations) == ["get", "post"]
    parameters = {(p["name"], p["in"], p["required"]) for p in operations["post"]["parameters"]}
    assert parameters == {
        ("todo_id", "path", True),
        ("q", "query", False),
        ("session", "cookie", False),
        ("X-Token", "header", False),
    }
    body = operations["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert body["effort"] == {"type": "integer", "example": 1}
    assert body["title"]["type"] == "string"
    assert "requestBody" not in operations["get"]
    content = {
        path: document["paths"][path]["post"]["requestBody"]["content"] for path in ("/up", "/form", "/raw")
    }
    upload = content["/up"]["multipart/form-data"]["schema"]["properties"]
    assert upload["photo"] == {"type": "string", "format": "binary"}
    assert "note" in upload
    assert list(content["/form"]) == ["application/x-www-form-urlencoded"]
    assert list(content["/raw"]) == ["text/plain"]


def test_no_route_is_an_empty_document():
    assert openapi([], "http://127.0.0.1:1")["paths"] == {}
