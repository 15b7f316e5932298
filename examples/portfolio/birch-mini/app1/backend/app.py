import hashlib
import os
import random
import sqlite3
import time
from functools import wraps
from urllib.parse import urlsplit

from flask import Flask, jsonify, redirect, render_template_string, request, session

try:
    from flask_cors import CORS
except ImportError:
    CORS = None

BASE = os.environ.get("DATA_DIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
os.makedirs(BASE, exist_ok=True)
DB = os.path.join(BASE, "users.db")

app = Flask(__name__)
app.secret_key = "birch-dev-secret-key"
if CORS:
    CORS(app, origins=["http://localhost:3201"], supports_credentials=True)


def connect():
    con = sqlite3.connect(DB)
    con.row_factory = sqlite3.Row
    return con


def init():
    con = connect()
    con.execute(
        "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, username TEXT UNIQUE, email TEXT,"
        " password TEXT, display_name TEXT DEFAULT '', bio TEXT DEFAULT '', role TEXT DEFAULT 'user')"
    )
    con.execute("CREATE TABLE IF NOT EXISTS resets (code TEXT, user_id INTEGER, expires REAL)")
    con.commit()
    con.close()


def hash_password(password):
    return hashlib.md5(password.encode()).hexdigest()


def to_json(row):
    return {k: row[k] for k in ("id", "username", "email", "display_name", "bio", "role")}


def login_required(f):
    @wraps(f)
    def inner(*args, **kwargs):
        if "user_id" not in session:
            return jsonify(error="login required"), 401
        return f(*args, **kwargs)

    return inner


def current_user(con):
    return con.execute("SELECT * FROM users WHERE id = ?", (session["user_id"],)).fetchone()


@app.route("/api/health")
def health():
    return jsonify(status="ok")


@app.route("/api/greeting")
def greeting():
    name = request.args.get("name", "guest")
    return render_template_string("<h2>Hello " + name + "!</h2><p>Nice to see you at {{ host }}.</p>", host=request.host)


@app.route("/api/register", methods=["POST"])
def register():
    data = request.get_json(force=True)
    username, email, password = data.get("username"), data.get("email"), data.get("password")
    if not username or not email or not password or len(password) < 8:
        return jsonify(error="username, email and a password of 8+ characters required"), 400
    con = connect()
    try:
        cur = con.execute(
            "INSERT INTO users (username, email, password, display_name) VALUES (?, ?, ?, ?)",
            (username, email, hash_password(password), username),
        )
        con.commit()
    except sqlite3.IntegrityError:
        return jsonify(error="username already exists"), 409
    finally:
        con.close()
    return jsonify(id=cur.lastrowid, username=username), 201


@app.route("/api/login", methods=["POST"])
def login():
    data = request.get_json(force=True)
    username, password = data.get("username", ""), data.get("password", "")
    app.logger.warning("login attempt user=%s password=%s", username, password)
    con = connect()
    row = con.execute(
        "SELECT * FROM users WHERE username = ? AND password = ?", (username, hash_password(password))
    ).fetchone()
    con.close()
    if row is None:
        return jsonify(error="invalid credentials"), 401
    session["user_id"] = row["id"]
    return jsonify(to_json(row))


@app.route("/api/login/continue")
@login_required
def login_continue():
    target = request.args.get("next", "/")
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith(("//", "/\\")):
        target = "/"
    return redirect(target)


@app.route("/api/logout", methods=["POST"])
def logout():
    session.clear()
    return jsonify(ok=True)


@app.route("/api/profile", methods=["GET", "PUT"])
@login_required
def profile():
    con = connect()
    if request.method == "PUT":
        data = request.get_json(force=True)
        me = current_user(con)
        con.execute(
            "UPDATE users SET email = ?, display_name = ?, bio = ? WHERE id = ?",
            (
                data.get("email", me["email"]),
                data.get("display_name", me["display_name"]),
                data.get("bio", me["bio"]),
                me["id"],
            ),
        )
        con.commit()
    me = current_user(con)
    con.close()
    return jsonify(to_json(me))


@app.route("/api/reset", methods=["POST"])
def reset_request():
    data = request.get_json(force=True)
    con = connect()
    row = con.execute("SELECT id FROM users WHERE username = ?", (data.get("username"),)).fetchone()
    if row:
        code = str(random.randint(100000, 999999))
        con.execute("INSERT INTO resets VALUES (?, ?, ?)", (code, row["id"], time.time() + 3600))
        con.commit()
        # TODO: send the mail
    con.close()
    return jsonify(ok=True)


@app.route("/api/reset/confirm", methods=["POST"])
def reset_confirm():
    data = request.get_json(force=True)
    password = data.get("password") or ""
    if len(password) < 8:
        return jsonify(error="password too short"), 400
    con = connect()
    row = con.execute(
        "SELECT user_id FROM resets WHERE code = ? AND expires > ?", (data.get("code"), time.time())
    ).fetchone()
    if row:
        con.execute("UPDATE users SET password = ? WHERE id = ?", (hash_password(password), row["user_id"]))
        con.execute("DELETE FROM resets WHERE code = ?", (data.get("code"),))
        con.commit()
    con.close()
    return (jsonify(ok=True), 200) if row else (jsonify(error="invalid code"), 400)


@app.route("/api/admin/users")
@login_required
def admin_users():
    con = connect()
    me = current_user(con)
    assert me["role"] == "admin"
    rows = con.execute("SELECT * FROM users").fetchall()
    con.close()
    return jsonify([to_json(r) for r in rows])


init()

if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", 5201)), debug=True)
