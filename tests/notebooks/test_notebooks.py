"""Every notebook runs from top to bottom, in a copy, and is kept without outputs."""

from __future__ import annotations

import re
import shutil

import nbformat
import pytest
from nbclient import NotebookClient
from support import EXAMPLES, REPOSITORY, everything_below

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.timeout(300),
]

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


@pytest.fixture
def execute(checkout, monkeypatch):
    """Run a notebook in the copy, and see that it leaves nothing beside the apps."""
    monkeypatch.setenv("BATCHNB_DEMO_REPORT", str(checkout / "report.html"))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("IPYTHONDIR", str(checkout / "ipython"))

    def run(path):
        before = everything_below(checkout / "examples")
        notebook = nbformat.read(path, as_version=4)
        folder = {"metadata": {"path": str(checkout / "notebooks")}}
        NotebookClient(notebook, timeout=90, kernel_name="python3", resources=folder).execute()
        assert everything_below(checkout / "examples") == before
        return texts(notebook)

    return run


def test_the_quickstart_shows_what_was_found_and_writes_a_report(checkout, execute):
    shown = execute(NOTEBOOKS[0])

    assert (checkout / "report.html").stat().st_size > 100_000
    assert re.search(r"completed, 24 of 24 tasks, findings: \d\d high, \d\d medium, \d\d low", shown)
    assert "backend/users.py" in shown


@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_the_others_hold_what_they_assert(path, execute):
    assert re.search(r"completed, \d+ of \d+ tasks", execute(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_clean(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
