"""File gallery: upload, list, inspect, download, archives and import by URL."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from flask import Flask, Response, g, jsonify, request, send_file
from werkzeug.utils import secure_filename

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parent / "data"))
UPLOADS = DATA_DIR / "uploads"
UPLOADS.mkdir(parents=True, exist_ok=True)
DATABASE = DATA_DIR / "gallery.db"

SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    source TEXT NOT NULL DEFAULT 'upload',
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
"""

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024


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


def error(message: str, status: int) -> tuple[Response, int]:
    return jsonify({"error": message}), status


def remember(name: str, source: str) -> dict:
    size = (UPLOADS / name).stat().st_size
    db = get_db()
    db.execute("INSERT OR REPLACE INTO files (name, size, source) VALUES (?, ?, ?)", (name, size, source))
    db.commit()
    return {"name": name, "size": size}


@app.get("/api/health")
def health():
    return jsonify({"status": "ok"})


@app.get("/api/files")
def list_files():
    rows = get_db().execute("SELECT * FROM files ORDER BY id DESC").fetchall()
    return jsonify([dict(row) for row in rows])


@app.post("/api/files")
def upload():
    upload_file = request.files.get("file")
    if upload_file is None or not upload_file.filename:
        return error("No file given", 400)
    name = secure_filename(upload_file.filename)
    if not name:
        return error("That file name cannot be used", 400)
    upload_file.save(UPLOADS / name)
    return jsonify(remember(name, "upload")), 201


@app.get("/api/download")
def download():
    name = request.args.get("name", "")
    path = os.path.join(UPLOADS, name)
    if not os.path.isfile(path):
        return error("No such file", 404)
    return send_file(path, as_attachment=True)


@app.delete("/api/files/<int:file_id>")
def delete_file(file_id: int):
    db = get_db()
    row = db.execute("SELECT name FROM files WHERE id = ?", (file_id,)).fetchone()
    if row is None:
        return error("No such file", 404)
    (UPLOADS / row["name"]).unlink(missing_ok=True)
    db.execute("DELETE FROM files WHERE id = ?", (file_id,))
    db.commit()
    return "", 204


@app.get("/api/inspect")
def inspect():
    """Line, word and byte counts of a file."""
    name = request.args.get("name", "")
    result = subprocess.run(f"wc {UPLOADS}/{name}", shell=True, capture_output=True, text=True, timeout=10)
    return jsonify({"name": name, "output": result.stdout.strip()})


@app.post("/api/import")
def import_url():
    data = request.get_json(silent=True) or {}
    url = str(data.get("url", ""))
    name = secure_filename(url.rsplit("/", 1)[-1]) or "import.bin"
    try:
        with urllib.request.urlopen(url) as remote:
            (UPLOADS / name).write_bytes(remote.read())
    except (urllib.error.URLError, ValueError, OSError) as exc:
        return error(f"Import failed: {exc}", 502)
    return jsonify(remember(name, url)), 201


@app.post("/api/archive")
def unpack_archive():
    """Unpack an uploaded tar file into the gallery."""
    archive = request.files.get("file")
    if archive is None:
        return error("No file given", 400)
    path = tempfile.mktemp(suffix=".tar", dir=DATA_DIR)
    archive.save(path)
    try:
        with tarfile.open(path) as tar:
            names = [member.name for member in tar.getmembers() if member.isfile()]
            tar.extractall(UPLOADS)
    except tarfile.TarError as exc:
        return error(f"Not a tar file: {exc}", 400)
    finally:
        os.remove(path)
    return jsonify([remember(name, "archive") for name in names]), 201


init_db()

if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", "5104")))
