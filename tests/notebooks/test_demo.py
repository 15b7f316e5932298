"""`make demo`: what it leaves, opened in a browser that reaches nothing but files."""

import re
import subprocess
import sys

import nbformat
import pytest
from support import REPOSITORY


@pytest.mark.browser
@pytest.mark.tool
def test_the_demo_leaves_an_executed_notebook_and_a_report_that_asks_for_nothing(tmp_path, page):
    script = REPOSITORY / "scripts" / "demo.py"
    done = subprocess.run([sys.executable, script, tmp_path], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "report.html") in done.stdout

    notebook = nbformat.read(tmp_path / "01_quickstart.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    kinds = {kind for cell in code for output in cell.outputs for kind in output.get("data", {})}
    assert all(cell.execution_count for cell in code)
    assert {"text/html", "application/vnd.plotly.v1+json"} <= kinds

    page.goto((tmp_path / "report.html").as_uri())
    bars = page.locator(".js-plotly-plot .barlayer .point path")
    bars.first.wait_for(state="attached")
    drawn = bars.evaluate_all("bars => bars.filter(bar => bar.getBBox().height > 1).length")
    assert drawn >= 16  # as many counts as the sample has that are not zero
    evidence = page.locator("#findings-table tbody tr details > p")  # one for each finding, by fault
    said = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    counts = re.search(r"findings: (\d+) high, (\d+) medium, (\d+) low", said)
    assert evidence.count() == sum(map(int, counts.groups())) > 150
    assert 50 < page.locator("#findings-table tbody tr").count() < evidence.count()
    assert page.get_by_role("heading", name="What was not measured").is_visible()
    assert (page.asked, page.complaints, page.evaluate("violations")) == ([], [], [])
