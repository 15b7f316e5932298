"""Todo board: three columns, search, a printable page and a little statistics formula."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from flask import Flask, Response, g, jsonify, request
from werkzeug.security import generate_password_hash

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parent / "data"))
DATA_DIR.mkdir(parents=True, exist_ok=True)
DATABASE = DATA_DIR / "board.db"
COLUMNS = ("todo", "doing", "done")

SCHEMA = """
CREATE TABLE IF NOT EXISTS members (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS todos (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    notes TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'todo',
    effort REAL NOT NULL DEFAULT 1,
    position INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
"""

app = Flask(__name__)


def get_db() -> sqlite3.Connection:
    """One connection per request."""
    if "db" not in g:
        g.db = sqlite3.connect(DATABASE)
        g.db.row_factory = sqlite3.Row
    return g.db


@app.teardown_appcontext
def close_db(_error: BaseException | None) -> None:
    db = g.pop("db", None)
    if db is not None:
        db.close()


def init_db() -> None:
    with sqlite3.connect(DATABASE) as db:
        db.executescript(SCHEMA)
        if db.execute("SELECT count(*) FROM members").fetchone()[0] == 0:
            db.execute(
                "INSERT INTO members (name, password_hash) VALUES (?, ?)",
                ("owner", generate_password_hash(os.environ.get("OWNER_PASSWORD", os.urandom(12).hex()))),
            )


def error(message: str, status: int) -> tuple[Response, int]:
    return jsonify({"error": message}), status


@app.after_request
def allow_frontend(response: Response) -> Response:
    """The Vite dev server runs on another port."""
    response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE, OPTIONS"
    return response


@app.get("/api/health")
def health():
    return jsonify({"status": "ok"})


@app.get("/api/todos")
def list_todos():
    db = get_db()
    q = request.args.get("q", "").strip()
    if q:
        sql = f"SELECT id, title, notes, status, effort FROM todos WHERE title LIKE '%{q}%' ORDER BY position, id"
        rows = db.execute(sql).fetchall()
    else:
        rows = db.execute(
            "SELECT id, title, notes, status, effort FROM todos ORDER BY position, id"
        ).fetchall()
    return jsonify([dict(row) for row in rows])


@app.get("/api/todos/<int:todo_id>")
def get_todo(todo_id: int):
    row = get_db().execute("SELECT * FROM todos WHERE id = ?", (todo_id,)).fetchone()
    if row is None:
        return error("No such todo", 404)
    return jsonify(dict(row))


@app.post("/api/todos")
def create_todo():
    data = request.get_json(silent=True) or {}
    title = str(data.get("title", "")).strip()
    if not title:
        return error("A todo needs a title", 400)
    status = data.get("status", "todo")
    if status not in COLUMNS:
        return error(f"status must be one of {', '.join(COLUMNS)}", 400)
    effort = 1.0
    try:
        effort = float(data["effort"])
    except Exception:
        pass
    db = get_db()
    position = db.execute("SELECT coalesce(max(position), 0) + 1 FROM todos WHERE status = ?", (status,)).fetchone()[0]
    cursor = db.execute(
        "INSERT INTO todos (title, notes, status, effort, position) VALUES (?, ?, ?, ?, ?)",
        (title, str(data.get("notes", "")), status, effort, position),
    )
    db.commit()
    return jsonify({"id": cursor.lastrowid, "title": title, "status": status}), 201


@app.put("/api/todos/<int:todo_id>")
def update_todo(todo_id: int):
    data = request.get_json(silent=True) or {}
    db = get_db()
    row = db.execute("SELECT * FROM todos WHERE id = ?", (todo_id,)).fetchone()
    if row is None:
        return error("No such todo", 404)
    status = data.get("status", row["status"])
    if status not in COLUMNS:
        return error(f"status must be one of {', '.join(COLUMNS)}", 400)
    title = str(data.get("title", row["title"])).strip()
    if not title:
        return error("A todo needs a title", 400)
    db.execute(
        "UPDATE todos SET title = ?, notes = ?, status = ? WHERE id = ?",
        (title, str(data.get("notes", row["notes"])), status, todo_id),
    )
    db.commit()
    return jsonify({"id": todo_id, "title": title, "status": status})


@app.delete("/api/todos/<int:todo_id>")
def delete_todo(todo_id: int):
    db = get_db()
    deleted = db.execute("DELETE FROM todos WHERE id = ?", (todo_id,)).rowcount
    db.commit()
    if not deleted:
        return error("No such todo", 404)
    return "", 204


@app.get("/api/todos/print")
def print_board():
    """A page for the printer; the heading comes from the dialog."""
    title = request.args.get("title", "My board")
    rows = get_db().execute("SELECT id, status FROM todos ORDER BY status, position").fetchall()
    items = "".join(f"<li>#{row['id']} ({row['status']})</li>" for row in rows)
    return f"<!doctype html><title>Print</title><h1>{title}</h1><ul>{items}</ul>"


@app.get("/api/stats")
def stats():
    """Counts per column, and an optional formula such as ``done / total * 100``."""
    rows = get_db().execute("SELECT status, count(*) AS n FROM todos GROUP BY status").fetchall()
    counts = dict.fromkeys(COLUMNS, 0) | {row["status"]: row["n"] for row in rows}
    counts["total"] = sum(counts.values())
    result = None
    formula = request.args.get("formula", "")
    if formula:
        try:
            result = eval(formula, {}, dict(counts))
        except (SyntaxError, NameError, ZeroDivisionError, TypeError) as exc:
            return error(f"Bad formula: {exc}", 400)
    return jsonify({"counts": counts, "result": result})


init_db()

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5102")))
