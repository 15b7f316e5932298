"""The panel in a real JupyterLab: what no test of traits can see."""

from __future__ import annotations

import re
import shutil

import psutil
import pytest
from lab import ROOT, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]

SAMPLE = ROOT / "examples" / "portfolio"
HOSTILE = "<img src=x onerror=window.pwn=1>$x^2$"
OPEN = "import batchnb as bn\nws = bn.open({path!r}, store=':memory:')\npanel = bn.BatchPanel(ws)\npanel"
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
    const lines = [...cell.querySelectorAll('.batchnb-line')].map(line => line.textContent);
    const text = lines.find(line => / of .* tasks? /.test(line));
    if (text && texts.at(-1) !== text) texts.push(text);
  }).observe(cell, {childList: true, subtree: true, characterData: true});
}"""


TOOLS = ("bandit", "ruff", "skylos", "detect_secrets", "oxlint", "node ")


def many_apps(folder, count):
    for number in range(1, count + 1):
        shutil.copytree(SAMPLE / "atlas-4" / "app1", folder / "copies" / f"app{number}")
    return str(folder)


def tools_of(kernel):
    """Return the command lines of what runs below a kernel, but for batchnb's own processes."""
    found = []
    for process in psutil.Process(kernel).children(recursive=True):
        try:
            found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return [command for command in found if any(tool in command for tool in TOOLS)]


def assert_quiet(page):
    assert page.blocked == []
    assert page.complaints == []


def test_run_to_findings_and_chart(notebook):
    one_by_one = OPEN.format(path=str(SAMPLE)).replace("store=", "max_tasks=1, store=")
    book = notebook("run.ipynb", one_by_one, CLOSE)
    book.run(0)
    cell = book.output(0)
    cell.get_by_role("textbox", name="Apps").fill("1-3,x")
    cell.get_by_text("'x' at position 5 is not a number").wait_for()
    cell.get_by_role("textbox", name="Apps").fill("")
    cell.get_by_text("Run starts 24 tasks").wait_for()
    cell.evaluate(COUNT)
    cell.get_by_role("button", name="Run").click()
    cell.get_by_role("region", name="Findings").wait_for(timeout=90_000)
    assert "24 of 24 tasks (100 %)" in cell.inner_text()
    shares = [int(text.split(" of ")[0]) for text in book.page.evaluate("texts")]
    assert shares == sorted(shares)
    assert len(set(shares)) >= 3  # it moved on the way
    assert cell.get_by_role("row").count() > 50
    cell.locator(".js-plotly-plot .legendtext", has_text="high").wait_for()
    assert "Not measured is not clean" in cell.inner_text()
    assert_quiet(book.page)
    assert book.run(1) == "[]"


def test_cancel_while_a_cell_is_busy(notebook, tmp_path):
    book = notebook(
        "cancel.ipynb",
        OPEN.format(path=many_apps(tmp_path, 80)),
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
    book.start(2)
    wait_until(lambda: book.is_running(2), "the cell is busy", 5)
    cell.get_by_role("button", name="Cancel", exact=True).click()
    book.page.wait_for_function("watch.acknowledged !== null", timeout=15_000)
    milliseconds = book.page.evaluate("watch.acknowledged")
    print(f"cancel acknowledged in the page after {milliseconds:.0f} ms")
    cell.get_by_text("all tools stopped").wait_for(timeout=10_000)
    assert book.is_running(2)
    assert milliseconds < 500
    assert tools_of(kernel) == []
    book.interrupt(2)
    assert book.run(3).strip() == "cancelled"
    assert book.run(4) == "[]"
    assert_quiet(book.page)


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
    book = notebook("hostile.ipynb", OPEN.format(path=str(tmp_path)), CLOSE, formula)
    book.run(2)
    book.output(2).locator("mjx-container").wait_for()  # so the check below would see a formula
    book.run(0)
    cell = book.output(0)
    assert cell.get_by_label("Models").locator("option").inner_text().replace("\xa0", " ") == HOSTILE
    cell.get_by_label("Job name").fill(HOSTILE)
    cell.get_by_role("textbox", name="Apps").fill("9")
    cell.get_by_text(f"no chosen model has them: {HOSTILE} has 1-2").wait_for()
    cell.get_by_role("textbox", name="Apps").fill("")
    cell.get_by_text("Run starts 4 tasks").wait_for()
    cell.get_by_role("button", name="Run").click()
    cell.get_by_role("region", name="Findings").wait_for(timeout=60_000)
    cell.locator(".js-plotly-plot .legendtext", has_text="high").wait_for()
    assert cell.get_by_text(f"Job 1: {HOSTILE}").is_visible()
    assert cell.get_by_role("cell", name=HOSTILE, exact=True).first.is_visible()
    assert cell.get_by_text(f"{HOSTILE} app 2").first.is_visible()
    assert cell.locator("img:not(.plot-img), mjx-container").count() == 0  # Plotly has an empty one
    assert book.page.evaluate("typeof window.pwn") == "undefined"
    assert_quiet(book.page)
    assert book.run(1) == "[]"
