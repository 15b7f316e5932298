"""HTTP interface of the gallery."""

import os
import zipfile

from flask import Flask, jsonify, request, send_file

from importer import fetch
from storage import Storage

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 32 * 1024 * 1024
storage = Storage()


@app.route("/api/health")
def health():
    return jsonify({"status": "ok"})


@app.route("/api/files", methods=["GET"])
def list_files():
    return jsonify(storage.all())


@app.route("/api/files", methods=["POST"])
def upload():
    file = request.files.get("file")
    if file is None or not file.filename:
        return jsonify({"error": "No file was sent"}), 400
    try:
        return jsonify(storage.save(file.filename, file.read())), 201
    except ValueError as exc:
        return jsonify({"error": str(exc)}), 400


@app.route("/api/download")
def download():
    path = storage.path(request.args.get("name", ""))
    if path is None:
        return jsonify({"error": "File not found"}), 404
    return send_file(path, as_attachment=True)


@app.route("/api/view/<name>")
def view(name):
    """Show a file in the browser."""
    path = storage.path(name)
    if path is None:
        return jsonify({"error": "File not found"}), 404
    return send_file(path)


@app.route("/api/shared/<key>")
def shared(key):
    """Anybody who has the link can fetch the file."""
    name = storage.shared(key)
    if name is None:
        return jsonify({"error": "Unknown link"}), 404
    return send_file(storage.path(name), as_attachment=True)


@app.route("/api/inspect")
def inspect():
    output = storage.counts(request.args.get("name", ""))
    if output is None:
        return jsonify({"error": "File not found"}), 404
    return jsonify({"output": output})


@app.route("/api/files/<int:file_id>", methods=["DELETE"])
def delete(file_id):
    if request.headers.get("X-Role") != "admin":
        return jsonify({"error": "Only administrators may delete"}), 403
    if not storage.delete(file_id):
        return jsonify({"error": "File not found"}), 404
    return "", 204


@app.route("/api/import", methods=["POST"])
def import_url():
    data = request.get_json(silent=True) or {}
    try:
        name, content = fetch(str(data.get("url", "")))
        return jsonify(storage.save(name, content)), 201
    except (ValueError, OSError) as exc:
        return jsonify({"error": str(exc)}), 400


@app.route("/api/archive", methods=["POST"])
def archive():
    file = request.files.get("file")
    if file is None:
        return jsonify({"error": "No file was sent"}), 400
    try:
        return jsonify(storage.unpack(file.stream)), 201
    except zipfile.BadZipFile:
        return jsonify({"error": "Not a zip archive"}), 400


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", 5304)))
