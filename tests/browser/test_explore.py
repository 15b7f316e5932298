"""The explorer in a real JupyterLab: 100,000 hostile findings, filtered, opened, decided about."""

from __future__ import annotations

import re

import pytest
from lab import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]

MANY = 100_000
MOST_MS = 3_000
"""What a filter may take on a busy machine; the figure is printed."""
MAKE = """
import random, sys
sys.path.insert(0, {tests!r})
from dataclasses import replace
from support import coverage, finding
from batchnb.records import CoverageStatus, Severity
from batchnb.results.dataset import Dataset
from batchnb.results.decisions.deciding import make_decisions
from batchnb.widgets.explorer import Explorer

EVIL = (
    "</td><img src=http://evil.invalid/x onerror=window.pwn=1><script>window.pwn=2</script>"
    "$\\\\href{{javascript:pwn=3}}{{x}}$\\u202e"
)
pick, levels = random.Random(4), list(Severity)
models = [f"model-{{n}}" for n in range(8)] + [EVIL]
findings = [
    finding(model=models[n % 9], app_num=n // 9 % 30 + 1, tool=f"{{EVIL}}tool", rule=f"R{{n % 50}}{{EVIL}}",
            severity=levels[n % 7 % 3], cwe=79, path=f"{{EVIL}}/f{{n % 40}}.py", line=n % 900 + 1,
            message=f"message {{n}} {{EVIL}}", snippet=f"call({{n}})  # {{EVIL}}", fingerprint=f"{{n:016x}}",
            tags=(EVIL,))
    for n in range({count})
]
blind = coverage(model="blind", app_num=1, tool=EVIL, status=CoverageStatus.FAILED, files_seen=0, detail=EVIL)
cells = [coverage(model=model, app_num=app, tool=f"{{EVIL}}tool") for model in models for app in range(1, 31)]
dataset = Dataset.from_records(findings=findings, coverage=[*cells, blind])

def decide(rows, verdict, **rest):
    made = make_decisions(rows, dataset, verdict, **{{"author": EVIL, **rest}})
    return [replace(each, id=number) for number, each in enumerate(made, 1)]

view = Explorer(dataset, decide, baseline=[(EVIL, lambda: dataset)])
view
"""
BUSY = "import time; time.sleep(60)"
FILTER = """async ([cell, text, wanted]) => {
  const search = cell.querySelector('.batchnb-x-search'), found = cell.querySelector('.batchnb-x-found');
  const body = cell.querySelector('.batchnb-x-scroll tbody');
  const start = performance.now();
  const changed = new Promise((done) => {
    const look = () => {
      if (!found.textContent.startsWith(wanted) || !body.rows.length) return;
      watch.disconnect();
      done(performance.now() - start);
    };
    const watch = new MutationObserver(look);
    watch.observe(cell, {childList: true, subtree: true, characterData: true});
    setTimeout(() => done(-1), 20000);
  });
  search.value = text;
  search.dispatchEvent(new Event('input', {bubbles: true}));
  return changed;
}"""


def opened(notebook, name, count, *cells):
    book = notebook(name, MAKE.format(tests=str(ROOT / "tests"), count=count), *cells)
    book.run(0)
    cell = book.output(0)
    cell.locator(".batchnb-x-scroll tbody tr").first.wait_for(timeout=110_000)
    return book, cell


def filtered(book, cell, text, wanted):
    """Return after how many milliseconds the page shows the rows that `text` leaves."""
    return book.page.evaluate(FILTER, [cell.element_handle(), text, wanted])


def assert_harmless(page):
    assert page.evaluate("window.pwn") is None
    assert page.blocked == []
    # JupyterLab complains so, at any time later, about a kernel that another test ended
    assert [each for each in page.complaints if "Canceled future" not in each] == []


@pytest.mark.timeout(240)
def test_100_000_findings_are_filtered_while_a_cell_runs(notebook):
    book, cell = opened(notebook, "explore-many.ipynb", MANY, BUSY)
    assert "100,000 of 100,000 findings" in cell.inner_text()
    assert cell.locator(".batchnb-x-scroll tbody tr").count() == 50
    idle = [filtered(book, cell, f"message {n} ", "1 of") for n in (4242, 777, 99_999)]
    book.start(1)
    busy = filtered(book, cell, "message 31", "1,111 of")
    print(
        f"rows in the page after {', '.join(f'{each:.0f}' for each in idle)} ms; in a busy cell {busy:.0f} ms"
    )
    assert all(0 < each < MOST_MS for each in (*idle, busy))
    assert book.is_running(1)
    assert_harmless(book.page)
    book.interrupt(1)


def test_a_finding_is_found_opened_and_decided_about_by_keyboard(notebook):
    book, cell = opened(notebook, "explore.ipynb", 400)
    keyboard = book.page.keyboard
    cell.get_by_text("of 271 apps", exact=False).first.click()
    cell.get_by_text("blind app 1", exact=False).first.wait_for()
    cell.locator(".batchnb-x-name", has_text="blind").click()
    cell.get_by_text("No finding matches. That does not mean that there is none").wait_for()
    cell.get_by_role("button", name="Clear the filter").click()
    cell.get_by_text("400 of 400 findings").wait_for()
    cell.locator(".batchnb-x-name", has_text="model-3").focus()
    keyboard.press("ArrowRight")
    assert re.match(r"model-3: \d+ high$", cell.locator(":focus").get_attribute("aria-label"))
    keyboard.press("Enter")
    rows = cell.locator(".batchnb-x-scroll tbody tr")
    cell.locator(".batchnb-x-found", has_text=re.compile(r"^\d\d of 400 findings")).wait_for()
    assert set(rows.locator(".batchnb-x-model").all_inner_texts()) == {"model-3"}
    assert set(rows.locator(".batchnb-x-severity").all_inner_texts()) == {"high"}
    rows.first.focus()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    detail = cell.get_by_role("region", name="Detail")
    detail.get_by_role("link", name="CWE-79").wait_for()
    assert (
        detail.get_by_role("link").get_attribute("href") == "https://cwe.mitre.org/data/definitions/79.html"
    )
    assert "# </td><img" in detail.locator(".batchnb-x-code-comment").inner_text()
    detail.get_by_role("button", name="Accepted").click()
    detail.get_by_text("say why").wait_for()
    detail.get_by_label("Reason").fill("a page of the tests")
    detail.get_by_role("button", name="False positive").click()
    detail.get_by_text("Decided: false positive.").wait_for()
    detail.locator(".batchnb-x-verdict", has_text="false positive: a page of the tests").wait_for()
    assert rows.nth(1).locator(".batchnb-x-verdict").inner_text() == "false positive"
    keyboard.press("Escape")
    detail.wait_for(state="hidden")
    assert rows.nth(1).evaluate("row => row === document.activeElement")
    cell.get_by_text("Compare with another run").click()
    cell.get_by_role("button", name="Compare", exact=True).click()
    cell.get_by_text("400 of 400 compared findings").wait_for()
    assert_harmless(book.page)


def test_a_kernel_that_ends_is_said(notebook):
    book, cell = opened(notebook, "explore-dead.ipynb", 20)
    book._do("await panel.sessionContext.session.kernel.restart();")
    cell.get_by_text("The kernel that this explorer belongs to has ended").wait_for()
    assert cell.locator(".batchnb-x-search").is_disabled()
