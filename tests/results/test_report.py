from __future__ import annotations

import json
import os
import re
import threading

import pytest
from factories import HOSTILE, batch, coverage, error, finding, job, portfolio, task

from batchnb.records import CoverageStatus, ErrorCategory, JobStatus, TaskStatus
from batchnb.records.errors import InvalidValueError
from batchnb.results import report as report_module
from batchnb.results._templates import json_data, script
from batchnb.results.report import render_report, write_report

VERSIONS = {"Python": "3.11.9", "batchnb": "0.1.0"}


def content(**changes):
    tasks, findings, cells = batch()
    whole = job(tasks, JobStatus.FAILED, errors=[error(task_id=3), error("gone", ErrorCategory.DEPENDENCY)])
    values = {
        "job": whole,
        "tasks": tasks,
        "findings": findings,
        "coverage": cells,
        "portfolio": portfolio(),
        "versions": VERSIONS,
    }
    return {**values, **changes}


def body(html):
    """Return the page without its scripts and styles, white space folded."""
    return " ".join(re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL).split())


def test_report_says_everything_that_was_asked_for():
    text = body(render_report(**content()))
    for part in (
        "Nightly backend scan",
        "What was not measured",
        "timed out",
        "stopped after 60 s",
        "2 of 6 files not read",
        "Checks measured in full",
        "bandit ended with exit code 2",
        "2026-03-02 09:33:07 UTC (after 3 min 7 s)",
        "1.9.1",
        "3.11.9",
        "claude app 2 does not parse",
    ):
        assert part in text, part


def test_a_fully_measured_clean_job_has_no_warning_and_a_zero():
    text = body(render_report(**content(tasks=[task()], findings=[], coverage=[coverage()], portfolio=None)))
    assert "What was not measured" not in text
    assert '<div class="big">0</div>' in text
    assert "No finding was reported." in text


def test_a_job_that_measured_nothing_has_no_number_of_findings():
    cells = [coverage(status=CoverageStatus.TOOL_MISSING)]
    text = body(render_report(**content(tasks=[task()], findings=[], coverage=cells)))
    assert "Nothing was measured, so there is no number." in text
    assert "No finding was reported" not in text


def test_the_matrix_tells_a_silent_tool_from_one_that_was_not_asked():
    cells = [
        coverage(),
        coverage(tool="ruff"),
        coverage(app_num=2),
        coverage("b", 1, "zap", analysis_type="zap"),
    ]
    text = body(render_report(**content(tasks=[], findings=[], coverage=cells, portfolio=None)))
    assert text.count("✗ no report") == 2  # in the matrix and among what was not measured
    assert text.count("not asked for") == 4


def test_a_job_that_has_not_started_renders():
    waiting = job([task(status=TaskStatus.PENDING)], JobStatus.PENDING, started_at=None, errors=[])
    text = body(render_report(**content(job=waiting, tasks=[], findings=[], coverage=[], portfolio=None)))
    assert "not yet" in text
    assert "No app was analysed." in text


def test_the_table_is_capped_and_says_how_many_there_are(monkeypatch):
    monkeypatch.setattr(report_module, "MOST_FINDINGS", 3)
    findings = [finding(number=number) for number in range(10)]
    text = body(render_report(**content(findings=findings)))
    assert "3 of 10 findings are listed" in text
    assert text.count('<td class="severity') == text.count('<td class="severity high"') + 1 == 3


def test_options_that_look_like_secrets_are_hidden():
    text = render_report(**content())
    assert "hunter2" not in text
    assert "min_severity" in text


def test_embedded_json_cannot_end_its_element():
    data = {"a": "</script><!-- & \u2028\u2029"}
    embedded = str(json_data(json.dumps(data, ensure_ascii=False)))
    assert not set("<>&\u2028\u2029") & set(embedded)
    assert json.loads(embedded) == data
    with pytest.raises(ValueError, match="end its element"):
        script("x = '</ScRipt>'")


def test_writing_replaces_in_one_step_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "report.html"
    target.write_text("old")
    assert write_report(target, **content()) == target
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidValueError, match=r"report\.html.*No space left"):
        write_report(target, **content())
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("name", "hint"), [("", "is a folder"), ("no/such/report.html", "there is no folder")]
)
def test_an_impossible_path_is_refused_by_name(tmp_path, name, hint):
    with pytest.raises(InvalidValueError, match=hint) as caught:
        write_report(tmp_path / name, **content())
    assert str(tmp_path) in str(caught.value)


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory):
    """A report in which every text that an app or a tool can choose is a payload."""
    tasks, findings, cells = batch()
    for number, text in enumerate(HOSTILE):
        payload = {"message": text, "snippet": text, "path": f"backend/{text}", "rule": text, "tool": text}
        findings.append(finding(text, 1, number, **payload))
        findings.append(finding("gpt-4o", 2, number, **payload))
        cells.append(coverage(text, 1, text, CoverageStatus.FAILED, stderr_tail=text, detail=text))
    spoilt = job(tasks, JobStatus.FAILED, name=HOSTILE[0], errors=[error(text) for text in HOSTILE])
    path = tmp_path_factory.mktemp("report") / "report.html"
    values = content(job=spoilt, tasks=tasks, findings=findings, coverage=cells)
    return write_report(path, **values), len(findings)


@pytest.fixture
def opened(page, hostile_report):
    page.goto(hostile_report[0].as_uri())
    page.wait_for_selector("#figure[data-ready=yes]")
    return page


@pytest.mark.browser
def test_the_chart_is_drawn_with_no_network_and_under_the_policy(opened):
    assert opened.locator("#figure .barlayer .point path").count() > 20
    heights = opened.evaluate(
        "() => Array.from(document.querySelectorAll('#figure .barlayer .point path'),"
        " path => path.getBBox().height)"
    )
    assert sum(height > 5 for height in heights) > 20
    assert opened.locator("#figure .legendtext").all_text_contents()[:2] == [
        "not measured",
        "partly measured",
    ]
    assert opened.asked == []
    assert opened.complaints == []
    assert opened.evaluate("violations") == []


@pytest.mark.browser
def test_the_policy_is_in_force(opened):
    """A script that got into the page all the same would not run, and nothing could be fetched."""
    opened.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.pwn = 2';"
        " document.body.append(s); const i = new Image(); i.src = 'https://example.invalid/x.png';"
        " document.body.append(i); }"
    )
    assert opened.evaluate("window.pwn") is None
    assert opened.asked == []
    assert {line.split()[0] for line in opened.evaluate("violations")} == {"script-src-elem", "img-src"}


@pytest.mark.browser
def test_payloads_are_dead_and_shown_as_text(opened):
    opened.mouse.move(400, 300)
    assert opened.evaluate("window.pwn") is None
    assert opened.locator("main img, main b[onmouseover], main [onerror]").count() == 0
    assert opened.locator("script").count() == 3
    table = opened.locator("#findings-table").text_content()
    for text in (*HOSTILE[:3], "a\\u202eb\\x1b[31mc\\x00\\u2028\\ud800"):
        assert text in table
    labels = " ".join(
        opened.locator("#figure .xaxislayer-above text, #figure .xtick2 text").all_text_contents()
    )
    assert "{{7*7}}" in labels
    assert "<script>" in labels


@pytest.mark.browser
def test_hover_shows_the_reason_literally(opened):
    opened.evaluate(
        "() => { const node = document.getElementById('figure');"
        " const n = node.data.findIndex(t => t.name === 'partly measured' && t.y.includes(1)"
        "   && t.hovertext[t.y.indexOf(1)].includes('script'));"
        " Plotly.Fx.hover(node, [{curveNumber: n, pointNumber: node.data[n].y.indexOf(1)}],"
        "   [node.data[n].xaxis + node.data[n].yaxis]); }"
    )
    shown = opened.locator("#figure .hoverlayer").text_content()
    assert "app 1: partly measured" in shown
    assert "<script>window.pwn=1</script>" in shown
    assert opened.evaluate("window.pwn") is None


@pytest.mark.browser
def test_the_table_sorts_by_each_header(opened):
    def column(number):
        return opened.evaluate(
            "n => Array.from(document.querySelectorAll('#findings-table tbody tr'),"
            " row => row.cells[n].textContent)",
            number,
        )

    headers = opened.locator("#findings-table thead th")
    headers.nth(2).get_by_role("button").click()
    numbers = [int(text) for text in column(2)]
    assert numbers == sorted(numbers)
    assert headers.nth(2).get_attribute("aria-sort") == "ascending"
    headers.nth(2).get_by_role("button").click()
    assert [int(text) for text in column(2)] == sorted(numbers, reverse=True)
    headers.nth(0).get_by_role("button").click()
    ranks = [("high", "medium", "low").index(text) for text in column(0)]
    assert ranks == sorted(ranks)
    assert headers.nth(2).get_attribute("aria-sort") is None


@pytest.mark.browser
def test_the_table_searches_all_words(opened, hostile_report):
    rows = opened.locator("#findings-table tbody tr:visible")
    assert rows.count() == hostile_report[1]
    opened.locator("#search").fill("b201 QWEN")
    sync_api = pytest.importorskip("playwright.sync_api")  # waits without eval, which the policy forbids
    counter = sync_api.expect(opened.locator("#search-count"))
    counter.to_have_text(re.compile(" of "))
    texts = rows.all_text_contents()
    assert 0 < len(texts) < hostile_report[1]
    assert all("B201" in text and "qwen" in text for text in texts)
    assert opened.locator("#search-count").text_content().startswith(f"{len(texts)} of ")
    opened.locator("#search").fill("<script>")
    counter.not_to_have_text(re.compile(f"^{len(texts)} "))
    assert rows.count() >= 2


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_and_a_narrow_page_fit(opened, scheme):
    opened.emulate_media(color_scheme=scheme)
    opened.set_viewport_size({"width": 600, "height": 900})
    paper = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 20, 24)"}[scheme]
    assert opened.evaluate("document.documentElement.scrollWidth") <= 600


def test_reports_can_be_rendered_in_threads():
    pages = []
    threads = [
        threading.Thread(target=lambda: pages.append(len(render_report(**content())))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pages) == 4
    assert len(set(pages)) == 1
