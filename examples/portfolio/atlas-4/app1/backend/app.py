"""Account service: registration, login and a small editable profile."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sqlite3
import time
from functools import wraps
from pathlib import Path

from flask import Flask, Response, g, jsonify, request
from werkzeug.security import check_password_hash, generate_password_hash

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parent / "data"))
DATA_DIR.mkdir(parents=True, exist_ok=True)
DATABASE = DATA_DIR / "accounts.db"

SESSION_SECONDS = 60 * 60 * 12
COOKIE_NAME = "sid"
MAX_FAILURES = 5
LOCK_SECONDS = 300

USERNAME = re.compile(r"[A-Za-z0-9_.-]{3,32}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    display_name TEXT NOT NULL DEFAULT '',
    bio TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until REAL NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS sessions (
    digest TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    expires REAL NOT NULL
);
"""

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024

# Compared against when the user is unknown, so that both cases take equally long.
UNKNOWN_USER_HASH = generate_password_hash(secrets.token_hex(16))


def get_db() -> sqlite3.Connection:
    """One connection per request."""
    if "db" not in g:
        g.db = sqlite3.connect(DATABASE)
        g.db.row_factory = sqlite3.Row
        g.db.execute("PRAGMA foreign_keys = ON")
    return g.db


@app.teardown_appcontext
def close_db(_error: BaseException | None) -> None:
    db = g.pop("db", None)
    if db is not None:
        db.close()


def init_db() -> None:
    with sqlite3.connect(DATABASE) as db:
        db.executescript(SCHEMA)


def digest(value: str) -> str:
    """Only the digest of a session id is stored."""
    return hashlib.sha256(value.encode()).hexdigest()


def body() -> dict:
    data = request.get_json(silent=True)
    return data if isinstance(data, dict) else {}


def error(message: str, status: int) -> tuple[Response, int]:
    return jsonify({"error": message}), status


def login_required(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        sid = request.cookies.get(COOKIE_NAME, "")
        row = get_db().execute(
            "SELECT u.* FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.digest = ? AND s.expires > ?",
            (digest(sid), time.time()),
        ).fetchone()
        if row is None:
            return error("Please log in", 401)
        g.user = row
        return view(*args, **kwargs)

    return wrapper


def public(user: sqlite3.Row) -> dict:
    return {key: user[key] for key in ("id", "username", "email", "display_name", "bio")}


@app.after_request
def security_headers(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    response.headers["Cache-Control"] = "no-store"
    return response


@app.get("/api/health")
def health():
    return jsonify({"status": "ok"})


@app.get("/api/greeting")
def greeting():
    name = request.args.get("name", "guest")[:40]
    return jsonify({"greeting": f"Hello, {name}!"})


@app.post("/api/register")
def register():
    data = body()
    username = str(data.get("username", "")).strip()
    email = str(data.get("email", "")).strip()
    password = str(data.get("password", ""))
    if not USERNAME.fullmatch(username):
        return error("The user name needs 3 to 32 letters, digits, dots or dashes", 400)
    if not EMAIL.fullmatch(email):
        return error("That is no e-mail address", 400)
    if not 8 <= len(password) <= 200:
        return error("The password needs at least 8 characters", 400)
    db = get_db()
    try:
        cursor = db.execute(
            "INSERT INTO users (username, email, password_hash, display_name) VALUES (?, ?, ?, ?)",
            (username, email, generate_password_hash(password), username),
        )
        db.commit()
    except sqlite3.IntegrityError:
        return error("That user name is taken", 409)
    return jsonify({"id": cursor.lastrowid, "username": username}), 201


@app.post("/api/login")
def login():
    data = body()
    username = str(data.get("username", ""))
    password = str(data.get("password", ""))[:200]
    db = get_db()
    user = db.execute("SELECT * FROM users WHERE username = ?", (username,)).fetchone()
    now = time.time()
    if user is not None and user["locked_until"] > now:
        return error("Too many attempts, try again later", 429)
    stored = user["password_hash"] if user is not None else UNKNOWN_USER_HASH
    if not check_password_hash(stored, password) or user is None:
        if user is not None:
            failures = user["failures"] + 1
            locked = now + LOCK_SECONDS if failures >= MAX_FAILURES else 0
            db.execute(
                "UPDATE users SET failures = ?, locked_until = ? WHERE id = ?",
                (0 if locked else failures, locked, user["id"]),
            )
            db.commit()
        return error("Wrong user name or password", 401)

    sid = secrets.token_urlsafe(32)
    db.execute("DELETE FROM sessions WHERE expires < ?", (now,))
    db.execute("INSERT INTO sessions VALUES (?, ?, ?)", (digest(sid), user["id"], now + SESSION_SECONDS))
    db.execute("UPDATE users SET failures = 0, locked_until = 0 WHERE id = ?", (user["id"],))
    db.commit()
    response = jsonify(public(user))
    response.set_cookie(
        COOKIE_NAME, sid, max_age=SESSION_SECONDS, httponly=True, samesite="Strict", secure=request.is_secure
    )
    return response


@app.post("/api/logout")
@login_required
def logout():
    db = get_db()
    db.execute("DELETE FROM sessions WHERE digest = ?", (digest(request.cookies[COOKIE_NAME]),))
    db.commit()
    response = jsonify({"ok": True})
    response.delete_cookie(COOKIE_NAME)
    return response


@app.get("/api/profile")
@login_required
def profile():
    return jsonify(public(g.user))


@app.put("/api/profile")
@login_required
def update_profile():
    data = body()
    email = str(data.get("email", g.user["email"])).strip()
    display_name = str(data.get("display_name", g.user["display_name"])).strip()[:60]
    bio = str(data.get("bio", g.user["bio"])).strip()[:500]
    if not EMAIL.fullmatch(email):
        return error("That is no e-mail address", 400)
    db = get_db()
    db.execute(
        "UPDATE users SET email = ?, display_name = ?, bio = ? WHERE id = ?",
        (email, display_name, bio, g.user["id"]),
    )
    db.commit()
    user = db.execute("SELECT * FROM users WHERE id = ?", (g.user["id"],)).fetchone()
    return jsonify(public(user))


init_db()

if __name__ == "__main__":
    app.run(host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", "5101")))
