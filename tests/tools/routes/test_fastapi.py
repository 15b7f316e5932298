"""Routes of FastAPI backends."""

from __future__ import annotations

from batchnb.tools.routes import find_routes

APP = """
from typing import Annotated, Optional
from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, File, Form, Header, Query, Request, UploadFile
from pydantic import BaseModel, Field
from routers import users

app = FastAPI()
router = APIRouter(prefix="/todos", tags=["todos"])

class Base(BaseModel):
    title: str

class Todo(Base):
    effort: int = 1
    due: Optional[str] = Field(None, alias="dueDate")
    _hidden: str = ""

def paging(page: int = 1, size: int = 20, x_token: str = Header(None)): return page

@router.get("/{todo_id}")
async def one(todo_id: int, q: str | None = None, kind: Annotated[str, Query(alias="type")] = "a",
              session: str = Cookie(None), paged=Depends(paging)): return q

@router.post("", status_code=201)
async def add(todo: Todo): return todo

@router.put("/{todo_id}")
def change(todo_id: int, todo: Optional["Todo"], note: str = Body(embed=True)): return todo

@app.post("/login")
def login(username: str = Form(), password: Annotated[str, Form()] = ""): return username

@app.post("/upload")
async def upload(file: UploadFile, extra: bytes = File(...)): return ""

@app.post("/raw")
async def raw(request: Request):
    data = await request.json()
    return data["named"], request.query_params.get("q"), request.headers["X-Own"]

@app.api_route("/both", methods=["GET", "POST"])
def both(request: Request): return ""

app.include_router(router, prefix="/api")
app.include_router(users.router, prefix="/api/users")
"""


def test_routers_bodies_and_parameters(tmp_path):
    (tmp_path / "main.py").write_text(APP, encoding="utf-8")
    (tmp_path / "routers").mkdir()
    (tmp_path / "routers/__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "routers/users.py").write_text(
        "from fastapi import APIRouter\nfrom ..schemas import User\nrouter = APIRouter()\n"
        "@router.patch('/{user_id:int}')\ndef change(user_id, user: User): return user\n",
        encoding="utf-8",
    )
    (tmp_path / "schemas.py").write_text(
        "from pydantic import BaseModel\nclass User(BaseModel):\n    name: str\n    age: int\n",
        encoding="utf-8",
    )
    found = find_routes(tmp_path)
    assert found.unread == ()
    assert found.frameworks == ("fastapi",)
    routes = {f"{route.method} {route.path}": route for route in found.routes}
    assert sorted(routes) == [
        "GET /api/todos/{todo_id}",
        "GET /both",
        "PATCH /api/users/{user_id}",
        "POST /api/todos",
        "POST /both",
        "POST /login",
        "POST /raw",
        "POST /upload",
        "PUT /api/todos/{todo_id}",
    ]
    one = routes["GET /api/todos/{todo_id}"]
    assert one.path_params == ("todo_id",)
    assert one.query_params == ("q", "type", "page", "size")
    assert (one.cookies, one.headers) == (("session",), ("X-Token",))
    assert one.integers == ("page", "size", "todo_id")
    assert routes["POST /api/todos"].body_fields == ("title", "effort", "dueDate")
    assert routes["POST /api/todos"].integers == ("effort",)
    assert routes["PUT /api/todos/{todo_id}"].body_fields == ("title", "effort", "dueDate", "note")
    assert routes["POST /login"].form_fields == ("username", "password")
    assert routes["POST /upload"].file_fields == ("file", "extra")
    raw = routes["POST /raw"]
    assert (raw.body_fields, raw.query_params, raw.headers) == (("named",), ("q",), ("X-Own",))
    assert routes["PATCH /api/users/{user_id}"].body_fields == ("name", "age")
