"""User storage on SQLite."""

import sqlite3

from werkzeug.security import check_password_hash, generate_password_hash


class UserStore:
    """Creates, finds and changes users."""

    def __init__(self, path):
        self.path = path
        with self._connect() as con:
            con.execute(
                "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, username TEXT UNIQUE,"
                " email TEXT, password_hash TEXT, display_name TEXT, bio TEXT DEFAULT '')"
            )

    def _connect(self):
        con = sqlite3.connect(self.path)
        con.row_factory = sqlite3.Row
        return con

    def create(self, username, email, password):
        if len(username) < 3:
            raise ValueError("The username is too short")
        if len(password) < 8:
            raise ValueError("The password is too short")
        with self._connect() as con:
            try:
                cur = con.execute(
                    "INSERT INTO users (username, email, password_hash, display_name) VALUES (?, ?, ?, ?)",
                    (username, email, generate_password_hash(password), username),
                )
            except sqlite3.IntegrityError:
                raise ValueError("The username is taken")
        return self.by_id(cur.lastrowid)

    def by_id(self, user_id):
        with self._connect() as con:
            row = con.execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone()
        return self._public(row) if row else None

    def check(self, username, password):
        with self._connect() as con:
            row = con.execute("SELECT * FROM users WHERE username = ?", (username,)).fetchone()
        if row and check_password_hash(row["password_hash"], password)
            return self._public(row)
        return None

    def update(self, user_id, data):
        allowed = {key: data[key] for key in ("email", "display_name", "bio") if key in data}
        with self._connect() as con:
            for key, value in allowed.items():
                con.execute(f"UPDATE users SET {key} = ? WHERE id = ?", (value, user_id))
        return self.by_id(user_id)

    @staticmethod
    def _public(row):
        return {key: row[key] for key in ("id", "username", "email", "display_name", "bio")}
