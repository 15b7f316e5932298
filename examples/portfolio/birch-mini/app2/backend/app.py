import os
import sqlite3
from contextlib import closing

from flask import Flask, jsonify, render_template_string, request

BASE = os.environ.get("DATA_DIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
os.makedirs(BASE, exist_ok=True)
DB = os.path.join(BASE, "todos.db")

STATUSES = ["todo", "doing", "done"]

PRINT_PAGE = """<!doctype html>
<title>Print</title>
<h1>{{ title }}</h1>
<ul>{% for t in todos %}<li>{{ t.title }} ({{ t.status }})</li>{% endfor %}</ul>
"""

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 100_000


def connect():
    con = sqlite3.connect(DB)
    con.row_factory = sqlite3.Row
    return closing(con)


def init():
    with connect() as con:
        con.execute(
            "CREATE TABLE IF NOT EXISTS todos (id INTEGER PRIMARY KEY, title TEXT NOT NULL,"
            " notes TEXT DEFAULT '', status TEXT DEFAULT 'todo')"
        )
        con.commit()


def payload():
    data = request.get_json(silent=True)
    return data if isinstance(data, dict) else {}


def clean(data, old=None):
    old = old or {"title": "", "notes": "", "status": "todo"}
    title = str(data.get("title", old["title"])).strip()[:200]
    notes = str(data.get("notes", old["notes"]))[:5000]
    status = data.get("status", old["status"])
    if not title:
        return None, "title is required"
    if status not in STATUSES:
        return None, "unknown status"
    return (title, notes, status), None


@app.after_request
def headers(resp):
    resp.headers["X-Content-Type-Options"] = "nosniff"
    resp.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return resp


@app.route("/api/health")
def health():
    return jsonify(status="ok")


@app.route("/api/todos")
def list_todos():
    q = request.args.get("q", "").strip()
    escaped = q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    with connect() as con:
        rows = con.execute(
            "SELECT * FROM todos WHERE title LIKE ? ESCAPE '\\' ORDER BY id", (f"%{escaped}%",)
        ).fetchall()
    return jsonify([dict(r) for r in rows])


@app.route("/api/todos", methods=["POST"])
def add_todo():
    values, problem = clean(payload())
    if problem:
        return jsonify(error=problem), 400
    with connect() as con:
        cur = con.execute("INSERT INTO todos (title, notes, status) VALUES (?, ?, ?)", values)
        con.commit()
    return jsonify(id=cur.lastrowid, title=values[0], notes=values[1], status=values[2]), 201


@app.route("/api/todos/<int:todo_id>", methods=["GET"])
def get_todo(todo_id):
    with connect() as con:
        row = con.execute("SELECT * FROM todos WHERE id = ?", (todo_id,)).fetchone()
    return jsonify(dict(row)) if row else (jsonify(error="not found"), 404)


@app.route("/api/todos/<int:todo_id>", methods=["PUT"])
def edit_todo(todo_id):
    with connect() as con:
        row = con.execute("SELECT * FROM todos WHERE id = ?", (todo_id,)).fetchone()
        if row is None:
            return jsonify(error="not found"), 404
        values, problem = clean(payload(), row)
        if problem:
            return jsonify(error=problem), 400
        con.execute("UPDATE todos SET title = ?, notes = ?, status = ? WHERE id = ?", (*values, todo_id))
        con.commit()
    return jsonify(id=todo_id, title=values[0], notes=values[1], status=values[2])


@app.route("/api/todos/<int:todo_id>", methods=["DELETE"])
def delete_todo(todo_id):
    with connect() as con:
        count = con.execute("DELETE FROM todos WHERE id = ?", (todo_id,)).rowcount
        con.commit()
    return ("", 204) if count else (jsonify(error="not found"), 404)


@app.route("/api/todos/print")
def print_todos():
    with connect() as con:
        rows = con.execute("SELECT * FROM todos ORDER BY status, id").fetchall()
    return render_template_string(PRINT_PAGE, title=request.args.get("title", "Todos")[:100], todos=rows)


@app.route("/api/stats")
def stats():
    with connect() as con:
        rows = con.execute("SELECT status, COUNT(*) AS n FROM todos GROUP BY status").fetchall()
    counts = {s: 0 for s in STATUSES}
    counts.update({r["status"]: r["n"] for r in rows})
    return jsonify(counts=counts, total=sum(counts.values()))


init()

if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", 5202)))
