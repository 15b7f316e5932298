"""Run the quickstart notebook on the sample portfolio: an executed notebook and an HTML report."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "01_quickstart.ipynb"
SECONDS = 600


def main(target: Path) -> None:
    """Execute the notebook and leave it, with its report, in `target`."""
    target.mkdir(parents=True, exist_ok=True)
    report = target / "report.html"
    os.environ["BATCHNB_DEMO_REPORT"] = str(report)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=folder).execute()
    executed = target / NOTEBOOK.name
    nbformat.write(notebook, executed)
    print(f"executed notebook: {executed}\nHTML report:       {report}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
