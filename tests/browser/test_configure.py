"""The form of the panel in a real JupyterLab: keys, clicks, messages beside fields, and what the job gets."""

from __future__ import annotations

import shutil

import pytest
from lab import ROOT, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]

SAMPLE = ROOT / "examples" / "portfolio"
HOSTILE = "<img src=x onerror=window.pwn=1>$x^2$"
OPEN = "import batchnb as bn\nws = bn.open({path!r}, store=':memory:')\npanel = bn.BatchPanel(ws)\npanel"
JOB = """job = ws.storage.get_job(1); ws.service.cancel_job(1)
print(job.app_ranges, job.analysis_types, job.analysis_options, job.task_timeouts, job.max_tasks)"""


def assert_quiet(page):
    assert page.blocked == []
    own = [
        text for text in page.complaints if "Canceled future" not in text
    ]  # of a kernel that was restarted
    assert own == []


def cell_of(book, name):
    return book.output(0).get_by_role("checkbox", name=name)


def is_on(box, state="true"):
    box.and_(box.page.locator(f"[aria-checked={state}]")).wait_for()


def test_pick_by_key_and_mouse_and_mend_an_option(notebook):
    book = notebook("configure.ipynb", OPEN.format(path=str(SAMPLE)), JOB, "panel.close(); ws.close()")
    book.run(0)
    cell, page = book.output(0), book.page
    apps = cell.get_by_role("textbox", name="Apps")
    cell.get_by_role("button", name="None").click()
    cell.get_by_text("0 of 12 apps chosen").wait_for()
    cell_of(book, "all apps of all models").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    is_on(cell_of(book, "birch-mini app 2:"))
    is_on(cell_of(book, "app 2 of all models"), "mixed")
    cell_of(book, "birch-mini app 1:").click()
    cell.get_by_text("2 of 12 apps chosen").wait_for()
    page.wait_for_function("input => input.value === '1-2'", arg=apps.element_handle())

    cell.get_by_role("checkbox", name="Frontend security").uncheck()
    cell.get_by_role("checkbox", name="Performance").check()
    cell.get_by_text("Options of Performance").click()
    users = cell.get_by_role("textbox", name="Users", exact=True)
    users.fill("many")
    cell.get_by_text("⚠ Input should be a valid integer").wait_for()
    assert users.get_attribute("aria-invalid") == "true"
    run = cell.get_by_role("button", name="Run")
    run.click()
    cell.get_by_text("⚠ Not started. Nothing to run: correct Performance: Users.").wait_for()
    users.fill("3")
    cell.get_by_text("Run starts 4 tasks: 1 model x apps 1-2 (2 in all) x 2 analyses.").wait_for()
    assert cell.get_by_text("Input should be a valid integer").count() == 0
    cell.get_by_role("textbox", name="Tasks at once").fill("1")
    cell.get_by_text("Run starts 4 tasks").wait_for()
    page.wait_for_function("button => !button.disabled", arg=run.element_handle())
    run.click()
    cell.get_by_text("Job 1 was started.").wait_for()
    ran = book.run(1)
    assert ran.startswith("{'birch-mini': [1, 2]} ['backend_security', 'performance'] {'performance': {")
    assert "'users': 3," in ran
    assert "'repeats': 2," in ran
    assert ran.rstrip().endswith("}} {} 1")
    book.run(2)
    assert_quiet(page)


def test_a_reload_keeps_what_was_typed_and_a_restart_is_told(notebook, tmp_path):
    shutil.copytree(SAMPLE / "atlas-4" / "app2", tmp_path / HOSTILE / "app1")
    shutil.copytree(SAMPLE / "atlas-4" / "app2", tmp_path / HOSTILE / "app3")
    book = notebook("typed.ipynb", OPEN.format(path=str(tmp_path)), "import time; time.sleep(20)")
    book.run(0)
    cell, page = book.output(0), book.page
    cell_of(book, f"all apps of {HOSTILE}").wait_for()
    cell.get_by_role("textbox", name="Apps").fill("3")
    cell.get_by_role("textbox", name="Job name").fill(HOSTILE)
    cell.get_by_role("textbox", name="Name of a new preset").fill(HOSTILE)
    cell.get_by_role("button", name="Save").click()
    cell.get_by_text(f"Saved as '{HOSTILE}'.").wait_for()
    book.start(1)
    wait_until(lambda: book.is_running(1), "the cell is busy", 5)
    cell_of(book, f"{HOSTILE} app 1:").click()
    cell.get_by_text("2 of 2 apps chosen").wait_for(timeout=10_000)
    assert book.is_running(1)
    book.interrupt(1)
    cell.get_by_role("button", name="Load").click()
    cell.get_by_text("1 of 2 apps chosen").wait_for()
    book.reload()
    cell = book.output(0)
    is_on(cell_of(book, f"{HOSTILE} app 3:"))
    is_on(cell_of(book, f"{HOSTILE} app 1:"), "false")
    assert cell.get_by_role("textbox", name="Job name").input_value() == HOSTILE
    assert cell.locator("img, mjx-container").count() == 0
    assert page.evaluate("typeof window.pwn") == "undefined"
    assert_quiet(page)
    book._do("await panel.sessionContext.session.kernel.restart();")
    cell.get_by_text("The kernel that this form belongs to has ended").wait_for()
    assert cell.get_by_role("button", name="Run").is_disabled()
    assert page.blocked == []
