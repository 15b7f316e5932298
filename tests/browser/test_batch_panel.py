"""The panel in a real JupyterLab: what no test of traits can see."""

from __future__ import annotations

import re
import shutil
import statistics

import nbformat
import pytest
from lab import SAMPLE, assert_quiet, many_apps, start_busy_cell, tools_of, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]

HOSTILE = "<img src=x onerror=window.pwn=1>$x^2$"
OPEN = "import batchnb as bn\nws = bn.open({path!r}, store=':memory:')\npanel = bn.BatchPanel(ws)\npanel"
DISPLAYS = """job = ws.attach(1)
for shown in (ws.portfolio, job.findings, job.tasks, ws.jobs, job): display(shown)"""
CLOSE = """panel.close(); ws.close()
import threading; [thread.name for thread in threading.enumerate() if "batchnb" in thread.name]"""
WATCH = """cell => {
  const said = cell.querySelector('.batchnb-cancel-said');
  const watch = window.watch = {acknowledged: null};
  cell.querySelector('.batchnb-cancel').addEventListener('click', () => {
    const clicked = performance.now();
    new MutationObserver(() => {
      if (watch.acknowledged === null && /heard after/.test(said.textContent))
        watch.acknowledged = performance.now() - clicked;
    }).observe(said, {childList: true, subtree: true, characterData: true});
  }, true);
}"""
COUNT = """cell => {
  window.texts = [];
  new MutationObserver(() => {
    const lines = [...cell.querySelectorAll('.batchnb-head-card > div')].map(line => line.textContent);
    const text = lines.find(line => / of .* tasks? /.test(line));
    if (text && texts.at(-1) !== text) texts.push(text);
  }).observe(cell, {childList: true, subtree: true, characterData: true});
}"""


def test_run_to_findings_and_chart_and_the_saved_notebook_has_them(notebook, lab):
    one_by_one = OPEN.format(path=str(SAMPLE)).replace("store=", "max_tasks=1, store=")
    book = notebook("run.ipynb", one_by_one, CLOSE)
    book.run(0)
    cell = book.output(0)
    cell.get_by_role("textbox", name="Apps").fill("1-3,x")
    cell.get_by_text("'x' at position 5 is not a number").wait_for()
    cell.get_by_role("textbox", name="Apps").fill("1-2")
    cell.get_by_text("Run starts 12 tasks").wait_for()
    cell.evaluate(COUNT)
    cell.get_by_role("button", name="Run").click()
    cell.get_by_role("region", name="Findings").wait_for(timeout=90_000)
    assert "12 of 12 tasks (100 %)" in cell.inner_text()
    shares = [int(text.split(" of ")[0]) for text in book.page.evaluate("texts")]
    assert shares == sorted(shares)
    assert len(set(shares)) >= 3  # it moved on the way
    assert cell.get_by_role("row").count() > 50
    cell.locator(".js-plotly-plot .legendtext", has_text="high").wait_for()
    assert "Not measured is not clean" in cell.inner_text()
    cell.get_by_text("Job 1: results kept in this notebook").wait_for()
    book.save()
    live, kept = nbformat.read(lab.notebooks / book.path, as_version=4).cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in live.data
    assert set(kept.data) == {"text/html", "text/plain"}
    assert "is completed: 12 of 12 tasks" in kept.data["text/html"]
    assert "B608" in kept.data["text/html"]
    assert_quiet(book.page)
    assert book.run(1) == "[]"


def cancel_while_busy(notebook, folder, name):
    """Click Cancel while a cell sleeps; return the milliseconds until the page said that it was heard."""
    book = notebook(
        name,
        OPEN.format(path=many_apps(folder, 80)),
        "import os; print(os.getpid())",
        "import time; time.sleep(20)",
        "print(ws.attach(1).status)",
        CLOSE,
    )
    book.run(0)
    kernel = int(book.run(1))
    cell = book.output(0)
    cell.get_by_role("button", name="Run").click()
    cell.get_by_text("160 tasks").nth(1).wait_for()
    wait_until(lambda: tools_of(kernel), "a tool runs", 20)
    cell.evaluate(WATCH)
    start_busy_cell(book, 2)
    cell.get_by_role("button", name="Cancel", exact=True).click()
    book.page.wait_for_function("watch.acknowledged !== null", timeout=15_000)
    milliseconds = book.page.evaluate("watch.acknowledged")
    print(f"cancel acknowledged in the page after {milliseconds:.0f} ms")
    cell.get_by_text("all tools stopped").wait_for(timeout=10_000)
    assert book.is_running(2)
    assert tools_of(kernel) == []
    book.interrupt(2)
    assert book.run(3).strip() == "cancelled"
    assert book.run(4) == "[]"
    assert_quiet(book.page)
    return milliseconds


def test_cancel_while_a_cell_is_busy(notebook, tmp_path):
    assert cancel_while_busy(notebook, tmp_path, "cancel.ipynb") < 2_000  # on a machine with other work


@pytest.mark.slow  # of use on a quiet machine only
def test_cancel_is_heard_within_half_a_second(notebook, tmp_path):
    times = [cancel_while_busy(notebook, tmp_path / str(n), f"cancel{n}.ipynb") for n in range(3)]
    print(f"median of {[round(time) for time in times]}: {statistics.median(times):.0f} ms")
    assert statistics.median(times) < 500


def test_a_reload_of_the_page_brings_the_job_back_alive(notebook, tmp_path):
    open_job = OPEN.format(path=many_apps(tmp_path, 600)).split("\npanel")[0] + "\njob = ws.run()\njob"
    book = notebook("reload.ipynb", open_job, "job.wait(); ws.close(); print(job._view.publisher.thread)")
    book.run(0)
    running = re.compile(r"running: \d+ running task")  # of so many that it outlasts any reload
    book.output(0).get_by_text(running).wait_for()
    book.reload()
    cell = book.output(0)
    cell.get_by_text(running).wait_for()
    cell.get_by_role("button", name="Cancel", exact=True).click()
    cell.get_by_text("all tools stopped").wait_for(timeout=10_000)
    cell.get_by_role("heading", name="What was not measured").wait_for()
    assert_quiet(book.page)
    assert book.run(1).strip() == "None"


def test_a_hostile_model_name_is_text(notebook, tmp_path):
    shutil.copytree(SAMPLE / "atlas-4" / "app2", tmp_path / HOSTILE / "app1")
    shutil.copytree(SAMPLE / "birch-mini" / "app3", tmp_path / HOSTILE / "app2")
    formula = "import ipywidgets; ipywidgets.Label('$x^2$')"
    book = notebook("hostile.ipynb", OPEN.format(path=str(tmp_path)), CLOSE, formula, DISPLAYS)
    book.run(2)
    book.output(2).locator("mjx-container").wait_for()  # so the check below would see a formula
    book.run(0)
    cell = book.output(0)
    cell.get_by_role("checkbox", name=f"all apps of {HOSTILE}").wait_for()
    cell.get_by_label("Job name").fill(HOSTILE)
    cell.get_by_role("textbox", name="Apps").fill("9")
    cell.get_by_text(f"no chosen model has them: {HOSTILE} has 1-2").wait_for()
    cell.get_by_role("textbox", name="Apps").fill("")
    cell.get_by_text("Run starts 4 tasks").wait_for()
    cell.get_by_role("button", name="Run").click()
    cell.get_by_role("region", name="Findings").wait_for(timeout=60_000)
    cell.locator(".js-plotly-plot .legendtext", has_text="high").wait_for()
    assert cell.locator(".batchnb-title", has_text=f"Job 1: {HOSTILE}").is_visible()
    assert cell.get_by_role("cell", name=HOSTILE, exact=True).first.is_visible()
    assert cell.get_by_text(f"{HOSTILE} app 2").first.is_visible()
    assert cell.locator("img:not(.plot-img), mjx-container").count() == 0  # Plotly has an empty one
    book.run(3)
    shown = book.output(3)
    shown.get_by_text("Saved in this notebook").wait_for()
    assert shown.get_by_text(HOSTILE).count() >= 4
    assert shown.locator("img, mjx-container").count() == 0
    assert book.page.evaluate("typeof window.pwn") == "undefined"
    assert_quiet(book.page)
    assert book.run(1) == "[]"
