"""Application factory of the shop."""

import os
import traceback

from flask import Flask, jsonify
from werkzeug.exceptions import HTTPException

import store
from catalog import catalog
from orders import orders


def create_app():
    """Build the application and make sure that the database exists."""
    app = Flask(__name__)
    store.init()
    app.register_blueprint(catalog)
    app.register_blueprint(orders)

    @app.route("/api/health")
    def health():
        return jsonify({"status": "ok"})

    @app.errorhandler(Exception)
    def handle_error(exc):
        """Answer every error as JSON."""
        if isinstance(exc, HTTPException):
            return jsonify({"error": exc.description}), exc.code
        return jsonify({"error": str(exc), "trace": traceback.format_exc()}), 500

    return app


app = create_app()

if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", 5303)))
