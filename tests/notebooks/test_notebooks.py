"""Every notebook runs from top to bottom, in a copy, and is kept without outputs."""

from __future__ import annotations

import re
import shutil

import nbformat
import pytest
from nbclient import NotebookClient
from support import EXAMPLES, REPOSITORY, everything_below

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
SAMPLE = EXAMPLES / "portfolio"


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with copies of what a notebook may touch."""
    shutil.copytree(SAMPLE, tmp_path / "examples" / "portfolio")
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def texts(notebook):
    return "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_leaves_nothing_beside_the_apps(path, checkout, monkeypatch):
    report = checkout / "report.html"
    monkeypatch.setenv("BATCHNB_DEMO_REPORT", str(report))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("IPYTHONDIR", str(checkout / "ipython"))
    before = everything_below(checkout / "examples")
    notebook = nbformat.read(path, as_version=4)
    folder = {"metadata": {"path": str(checkout / "notebooks")}}
    NotebookClient(notebook, timeout=90, kernel_name="python3", resources=folder).execute()
    assert everything_below(checkout / "examples") == before
    assert report.stat().st_size > 100_000
    shown = texts(notebook)
    assert re.search(r"completed, 24 of 24 tasks, findings: \d\d high, \d\d medium, \d\d low", shown)
    assert "backend/users.py" in shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_clean(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
