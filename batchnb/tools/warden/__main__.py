"""The helper process: `python -I -S <this folder> SOCKET PARENT_PID`."""

from __future__ import annotations

import importlib
import os.path
import sys

if __name__ == "__main__":
    # Appended, so that the standard library always wins over batchnb's own module names.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    importlib.import_module("warden.server").main(int(sys.argv[1]), int(sys.argv[2]))
