"""Starts a Flask app the way its author does, `python app.py`, at the address that it is given.

A program of its own, run inside the sandbox with the app's interpreter: it knows Flask and the standard
library alone. Only the address is changed, and the reloader is off, which would be a second process.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main(file: str) -> None:
    """Run `file` as a program; its call of `app.run` gets the address from HOST and PORT."""
    flask = import_module("flask").Flask
    original = flask.run

    def run(app: Any, _host: object = None, _port: object = None, *args: Any, **words: Any) -> None:
        words |= {"use_reloader": False, "host": os.environ["HOST"], "port": int(os.environ["PORT"])}
        if args:  # the third one by position is `debug`
            words["debug"] = args[0]
        original(app, **words)

    flask.run = run
    sys.argv = [file]
    sys.path[0] = str(Path(file).resolve().parent)
    runpy.run_path(file, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
