"""Account service of the Comet starter kit.

The HTTP layer lives here; everything about storing users is in ``users.py``.
"""

import hashlib
import os
import secrets

from flask import Flask, jsonify, make_response, request

from users import UserStore

DATA_DIR = os.environ.get("DATA_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
os.makedirs(DATA_DIR, exist_ok=True)

app = Flask(__name__)
store = UserStore(os.path.join(DATA_DIR, "users.db"))
sessions = {}
remembered = {}


def remember_key(user):
    """Value of the "remember me" cookie of a user."""
    return hashlib.md5(user["username"].encode("utf-8")).hexdigest()


def current_user():
    """Return the user of this request, or None."""
    user_id = sessions.get(request.cookies.get("session_id", ""))
    if user_id is None:
        user_id = remembered.get(request.cookies.get("remember", ""))
    return store.by_id(user_id) if user_id else None


@app.route("/api/health", methods=["GET"])
def health():
    return jsonify({"status": "ok"})


@app.route("/api/register", methods=["POST"])
def register():
    data = request.get_json(silent=True) or {}
    try:
        user = store.create(data.get("username", ""), data.get("email", ""), data.get("password", ""))
    except ValueError as exc:
        return jsonify({"error": str(exc)}), 400
    return jsonify({"id": user["id"], "username": user["username"]}), 201


@app.route("/api/login", methods=["POST"])
def login():
    data = request.get_json(silent=True) or {}
    user = store.check(data.get("username", ""), data.get("password", ""))
    if user is None:
        return jsonify({"error": "Invalid credentials"}), 401
    session_id = secrets.token_urlsafe(32)
    sessions[session_id] = user["id"]
    response = make_response(jsonify({"username": user["username"]}))
    response.set_cookie("session_id", session_id, samesite="Lax")
    if data.get("remember"):
        remembered[remember_key(user)] = user["id"]
        response.set_cookie("remember", remember_key(user), max_age=30 * 86400, httponly=True, samesite="Lax")
    return response


@app.route("/api/logout", methods=["POST"])
def logout():
    sessions.pop(request.cookies.get("session_id", ""), None)
    return jsonify({"message": "Logged out"})


@app.route("/api/profile", methods=["GET", "PUT"])
def profile():
    user = current_user()
    if user is None:
        return jsonify({"error": "Not logged in"}), 401
    if request.method == "PUT":
        user = store.update(user["id"], request.get_json(silent=True) or {})
    return jsonify(user)


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", 5301)))
