"""Where the gallery keeps its files."""

import hashlib
import os
import sqlite3
import subprocess
import zipfile
from contextlib import closing

from werkzeug.utils import secure_filename

DATA_DIR = os.environ.get("DATA_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
MEDIA_DIR = os.path.join(DATA_DIR, "media")
DB_PATH = os.path.join(DATA_DIR, "gallery.sqlite3")
MAX_ARCHIVE_BYTES = 50 * 1024 * 1024

SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    share_key TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
"""


class Storage:
    """Files on disk, their descriptions in SQLite."""

    def __init__(self):
        os.makedirs(MEDIA_DIR, exist_ok=True)
        os.chmod(MEDIA_DIR, 0o777)
        with closing(self._connect()) as con:
            con.executescript(SCHEMA)

    def _connect(self):
        con = sqlite3.connect(DB_PATH)
        con.row_factory = sqlite3.Row
        return con

    def path(self, name):
        """Absolute path of a stored file, or None if the name leads elsewhere."""
        root = os.path.realpath(MEDIA_DIR)
        path = os.path.realpath(os.path.join(root, name))
        if os.path.commonpath([root, path]) != root or not os.path.isfile(path):
            return None
        return path

    def save(self, name, data):
        name = secure_filename(name)
        if not name:
            raise ValueError("The file name cannot be used")
        with open(os.path.join(MEDIA_DIR, name), "wb") as out:
            out.write(data)
        key = hashlib.md5(name.encode("utf-8")).hexdigest()
        with closing(self._connect()) as con, con:
            con.execute(
                "INSERT OR REPLACE INTO files (name, size, share_key) VALUES (?, ?, ?)", (name, len(data), key)
            )
        return {"name": name, "size": len(data)}

    def all(self):
        with closing(self._connect()) as con:
            rows = con.execute("SELECT id, name, size, created FROM files ORDER BY id DESC").fetchall()
        return [dict(row) for row in rows]

    def shared(self, key):
        with closing(self._connect()) as con:
            row = con.execute("SELECT name FROM files WHERE share_key = ?", (key,)).fetchone()
        return row["name"] if row else None

    def delete(self, file_id):
        with closing(self._connect()) as con, con:
            row = con.execute("SELECT name FROM files WHERE id = ?", (file_id,)).fetchone()
            if row is None:
                return False
            con.execute("DELETE FROM files WHERE id = ?", (file_id,))
        path = self.path(row["name"])
        if path:
            os.remove(path)
        return True

    def counts(self, name):
        """Line, word and byte counts of a file, as reported by wc."""
        path = self.path(name)
        if path is None:
            return None
        result = subprocess.run(["wc", "--", path], capture_output=True, text=True, timeout=10, check=False)
        return result.stdout.strip()

    def unpack(self, stream):
        """Store the files of a zip archive, ignoring the folders in it."""
        saved = []
        total = 0
        with zipfile.ZipFile(stream) as archive:
            for info in archive.infolist():
                total += info.file_size
                if info.is_dir() or total > MAX_ARCHIVE_BYTES:
                    continue
                try:
                    saved.append(self.save(os.path.basename(info.filename), archive.read(info)))
                except Exception:
                    continue
        return saved
