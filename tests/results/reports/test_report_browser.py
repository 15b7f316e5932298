"""The report in Chromium: it runs under its own policy, with no network, and whatever its texts are."""

from __future__ import annotations

import re
import time

import pytest
from factories import finding
from report_cases import PAYLOADS, content, decided, hostile, many

from batchnb.results.identity.compare import compare
from batchnb.results.reports.private import presentable
from batchnb.results.reports.report import write_report

pytestmark = pytest.mark.browser
ROWS = "#findings-table tbody tr:visible"


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory):
    """A report in which every text is a payload, compared with a run in which others were found."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    data, before = hostile(), hostile(PAYLOADS[::-1])
    return write_report(data, path, comparison=compare(presentable(before), presentable(data)))


@pytest.fixture(scope="module")
def plain_report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    data = decided(content(), [0])
    return write_report(data, path, comparison=compare(content(findings=[]), data))


def expect(locator):
    return pytest.importorskip("playwright.sync_api").expect(
        locator
    )  # waits without eval, as the policy demands


def draw_all(page):
    """Bring every figure to the screen once, and wait until it is drawn."""
    plots = page.locator(".plot")
    for number in range(plots.count()):
        plots.nth(number).scroll_into_view_if_needed()
        expect(plots.nth(number)).to_have_attribute("data-ready", "yes", timeout=60_000)
    return plots.count()


@pytest.fixture
def attacked(page, hostile_report):
    page.goto(hostile_report.as_uri())
    return page


@pytest.fixture
def opened(page, plain_report):
    page.goto(plain_report.as_uri())
    return page


def test_figures_are_drawn_with_no_network_and_under_the_policy(opened):
    assert draw_all(opened) > 10
    bars = opened.locator("[data-figure=severity] .barlayer .point path")
    heights = bars.evaluate_all("paths => paths.map(path => path.getBBox().height)")
    assert sum(height > 5 for height in heights) > 20
    assert opened.locator("[data-figure=severity] .legendtext").all_text_contents()[:2] == [
        "not measured",
        "partly measured",
    ]
    assert opened.asked == []
    assert opened.complaints == []
    assert opened.evaluate("violations") == []


def test_figures_out_of_sight_are_drawn_when_they_come_near(opened):
    last = opened.locator(".plot").last
    expect(opened.locator(".plot").first).to_have_attribute("data-ready", "yes")
    assert last.get_attribute("data-ready") is None
    last.scroll_into_view_if_needed()
    expect(last).to_have_attribute("data-ready", "yes")


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


def test_payloads_are_dead_and_shown_as_text(attacked):
    assert draw_all(attacked) > 10
    for details in attacked.locator("details").all():
        details.evaluate("each => { each.open = true; }")
    box = attacked.locator("[data-figure=top_rules]").bounding_box()
    for step in range(5, int(box["height"]), 25):
        attacked.mouse.move(box["x"] + 200, box["y"] + step)
    assert attacked.evaluate("window.pwn") is None
    assert (
        attacked.locator("main img, main b[onmouseover], main [onerror], main script, main iframe").count()
        == 0
    )
    assert attacked.locator("script").count() == 5
    assert (
        attacked.locator("a:not([href^='#'])").evaluate_all(
            "links => links.map(a => a.getAttribute('href')).filter(x => /^javascript/i.test(x))"
        )
        == []
    )
    shown = attacked.locator("main").text_content()
    for text in (*PAYLOADS[:3], "a\\u202eb\\x1b[31mc\\x00\\u2028\\ud800", *PAYLOADS[4:6]):
        assert text in shown, text
    labels = " ".join(attacked.locator("[data-figure=top_rules] text").all_text_contents())
    assert "<b>bold</b>" in labels
    assert "{{7*7}}" in labels
    assert attacked.complaints == []
    assert attacked.evaluate("violations") == []


def test_hover_shows_the_reason_literally(attacked):
    draw_all(attacked)
    attacked.evaluate(
        "() => { const node = document.querySelector('[data-figure=severity]');"
        " const of = t => t.y.findIndex((y, i) => y === 1 && t.hovertext[i].includes('&lt;script'));"
        " const n = node.data.findIndex(t => Array.isArray(t.hovertext) && of(t) >= 0);"
        " Plotly.Fx.hover(node, [{curveNumber: n, pointNumber: of(node.data[n])}],"
        "   [node.data[n].xaxis + node.data[n].yaxis]); }"
    )
    assert (
        "<script>window.pwn=1</script>"
        in attacked.locator("[data-figure=severity] .hoverlayer").text_content()
    )
    assert attacked.evaluate("window.pwn") is None


def column(page, number):
    return page.locator(ROWS).evaluate_all("(rows, n) => rows.map(row => row.cells[n].textContent)", number)


def test_the_table_sorts_by_each_header(opened):
    headers = opened.locator("#findings-table thead th")
    headers.nth(2).get_by_role("button").click()
    numbers = [int(text) for text in column(opened, 2)]
    assert numbers == sorted(numbers)
    assert headers.nth(2).get_attribute("aria-sort") == "ascending"
    headers.nth(2).get_by_role("button").click()
    assert [int(text) for text in column(opened, 2)] == sorted(numbers, reverse=True)
    headers.nth(0).get_by_role("button").click()
    ranks = [("high", "medium", "low").index(text) for text in column(opened, 0)]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 3
    assert headers.nth(2).get_attribute("aria-sort") is None


def test_the_table_searches_all_words_and_evidence(opened):
    total = opened.locator(ROWS).count()
    counter = expect(opened.locator("#search-count"))
    counter.to_have_text(f"{total} rows")
    opened.locator("#search").fill("b201 QWEN")
    counter.to_have_text(re.compile(" of "))
    texts = opened.locator(ROWS).all_text_contents()
    assert 0 < len(texts) < total
    assert all("B201" in text and "qwen" in text for text in texts)
    opened.locator("#search").fill("SELECT * FROM")  # only the snippets have it
    counter.not_to_have_text(re.compile(f"^{len(texts)} "))
    assert opened.locator(ROWS).count() == total
    opened.locator("#search").fill("nowhere to be found")
    counter.to_have_text(f"0 of {total} rows match")
    opened.locator("#reset").click()
    counter.to_have_text(f"{total} rows")


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [("severity", "high", 0), ("model", "gpt-4o", 1), ("tool", "ruff", 5), ("rule", "B608", 6),
     ("analysis", "backend_security", 8), ("verdict", "false positive", 9)],
)  # fmt: skip
def test_each_filter_shows_its_rows_only(opened, name, value, place):
    wanted = sum(text == value for text in column(opened, place))
    opened.locator(f"select[data-filter={name}]").select_option(f"={value}")
    assert column(opened, place) == [value] * wanted
    assert wanted > 0
    opened.locator("select[data-filter=severity]").select_option("=high")
    assert all(text == value for text in column(opened, place))
    assert set(column(opened, 0)) <= {"high"}


def test_a_payload_can_be_filtered_by(attacked):
    attacked.locator("select[data-filter=rule]").select_option(f"={PAYLOADS[1]}")
    assert column(attacked, 6) == [PAYLOADS[1]] * 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 600, 1400])
def test_both_themes_fit_at_every_width(attacked, scheme, width):
    attacked.emulate_media(color_scheme=scheme)
    attacked.set_viewport_size({"width": width, "height": 900})
    papers = {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 20, 24)"}
    paper = "getComputedStyle(document.body).backgroundColor"
    assert attacked.evaluate(paper) == papers[scheme]
    draw_all(attacked)
    assert attacked.evaluate("document.documentElement.scrollWidth") <= width
    attacked.locator("#theme").click()
    assert attacked.evaluate(paper) == papers["light" if scheme == "dark" else "dark"]


def test_a_long_table_shows_its_first_rows_until_asked_for_all(page, tmp_path):
    findings = [finding(number=n, line=n, path=f"backend/{n}.py") for n in range(450)]
    page.goto(write_report(content(findings=findings), tmp_path / "long.html").as_uri())
    counter = expect(page.locator("#search-count"))
    counter.to_have_text("450 rows; the first 200 are shown")
    assert page.locator(ROWS).count() == 200
    page.locator("select[data-filter=severity]").select_option("=low")  # the last in the order
    counter.to_have_text("180 of 450 rows match")
    assert column(page, 0) == ["low"] * 180
    page.locator("#reset").click()
    page.locator("#all").click()
    counter.to_have_text("450 rows")
    assert page.locator(ROWS).count() == 450


def test_it_can_be_read_without_a_script(browser, plain_report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(plain_report.as_uri())
    assert page.locator("#findings-table tbody tr").first.is_visible()
    assert not page.locator("#toolbar").is_visible()
    page.locator("nav a", has_text="Coverage").click()
    assert page.url.endswith("#coverage")
    context.close()


def test_it_prints_light_with_every_figure(opened, plain_report):
    opened.emulate_media(color_scheme="dark")
    made = opened.pdf(prefer_css_page_size=True, print_background=True)
    assert made.startswith(b"%PDF")
    expect(opened.locator(".plot:not([data-ready])")).to_have_count(0)
    opened.emulate_media(media="print", color_scheme="dark")
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not opened.locator("#toolbar").is_visible()
    opened.set_viewport_size({"width": 703, "height": 900})  # A4 between its margins
    tables = opened.locator("table").evaluate_all(
        "tables => tables.map(t => t.getBoundingClientRect().right)"
    )
    assert max(tables) <= 704
    assert opened.complaints == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_findings_stay_usable(page, tmp_path, figures):
    data = many(100_000)
    started = time.perf_counter()
    path = write_report(data, tmp_path / "report.html")
    figures("writing a report of 100,000 findings", time.perf_counter() - started, "s")
    beside = tmp_path / "report.html.findings.csv"
    figures("size of the page", path.stat().st_size / 1e6, "MB")
    figures("size of the table beside it", beside.stat().st_size / 1e6, "MB")
    started = time.perf_counter()
    page.goto(path.as_uri())
    expect(page.locator(".plot").first).to_have_attribute("data-ready", "yes", timeout=60_000)
    opening = time.perf_counter() - started
    figures("opening it in Chromium until the first figure is drawn", opening, "s")
    expect(page.locator("#search-count")).to_have_text("5,000 rows; the first 200 are shown")
    assert "5,000 of" in page.locator("#findings").text_content()
    times = {
        name: page.evaluate(
            "code => { const start = performance.now(); " + code + " document.body.offsetHeight;"
            " return performance.now() - start; }",
            None,
        )
        for name, code in {
            "filtering by model": (
                "const s = document.querySelector('select[data-filter=model]');"
                " s.value = s.options[1].value; s.dispatchEvent(new Event('change'));"
            ),
            "ending the filter": "document.getElementById('reset').click();",
            "sorting by model": "document.querySelector('th.model button').click();",
            "showing all 5,000 rows": "document.getElementById('all').click();",
        }.items()
    }
    for name, value in times.items():
        figures(name, value, "ms")
    assert opening < 60
    assert max(times.values()) < 15_000
    expect(page.locator("#search-count")).to_have_text("5,000 rows")
    assert beside.read_bytes().count(b"\n") >= 100_001
