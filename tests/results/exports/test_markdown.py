"""The Markdown summary says what was not measured, and hostile text does nothing in it."""

from __future__ import annotations

import re

import mistune
import pytest
from factories import HOSTILE, batch, coverage, error, finding, portfolio, task

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.results.dataset import Dataset
from batchnb.results.exports.markdown import markdown_code, markdown_summary
from batchnb.results.identity.compare import compare
from batchnb.tools.text import visible

PAYLOADS = (
    *HOSTILE,
    "a|b",
    "a\\|b|c\\",
    "`<b>x</b>`",
    "``` x",
    "`",
    "[click](https://evil.example) ![x](https://evil.example/i.png)",
    "https://evil.example www.evil.example me@evil.example",
    "@octocat #1 **bold** _it_ ~~no~~ $x$",
    "\n\n# heading\n\n<img src=x>",
    "-->",
    "&lt;b&gt; &amp;",
)


def render(text):
    return mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough", "math"])(text)


def outside_code(html):
    return re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)


def parts(seed=7):
    tasks, findings, cells = batch(seed=seed)
    tasks.append(task(99, "gpt-4o", 9, TaskStatus.FAILED, error=error("it fell over")))
    return {"tasks": tasks, "findings": findings, "coverage": cells, "portfolio": portfolio(("gpt-4o",))}


def test_the_headline_and_the_gaps_are_there():
    text = markdown_summary(Dataset.from_records(**parts()))

    assert "not measured" in text.split("\n\n")[1]
    assert "lower bound" in text.split("\n\n")[1]
    assert re.search(r"\| `ruff` .*timed out.*`stopped after 60 s`", text)
    assert "| all | `backend_security` | failed | `gpt-4o` 9 | `it fell over` | 1 |" in text
    assert "Not applicable, which is no fault" in text


def test_a_model_that_nobody_measured_has_no_number():
    cells = [coverage(status=CoverageStatus.TIMED_OUT), coverage(model="other")]
    (row,) = re.findall(r"\| `gpt-4o` \| 1 .*", markdown_summary(Dataset.from_records(coverage=cells)))
    (other,) = re.findall(r"\| `other` \| 1 .*", markdown_summary(Dataset.from_records(coverage=cells)))

    assert row == "| `gpt-4o` | 1 | 0 | 0 | 1 | – | – | – | – | – | – |"  # noqa: RUF001 - the dash for none
    assert other == "| `other` | 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0.00 | – |"  # noqa: RUF001


def test_nothing_said_is_not_clean():
    assert "No tool said what it read" in markdown_summary(Dataset.from_records(findings=[finding()]))


def test_rates_leave_placeholders_out():
    apps = portfolio(("gpt-4o",))  # the third app is a placeholder
    cells = [coverage(app_num=number) for number in (1, 2, 3)]
    findings = [finding(app_num=number, number=number) for number in (1, 2, 3)]
    text = markdown_summary(Dataset.from_records(coverage=cells, findings=findings, portfolio=apps))

    lines = sum(apps.apps[0].lines_by_language.values())
    assert f"| 1.00 | {2 * 1000 / (2 * lines):.2f} |" in text


def test_of_several_jobs_the_newest_counts():
    cells = [coverage(job_id=1), coverage(job_id=2)]
    data = Dataset.from_records(coverage=cells, findings=[finding(job_id=1), finding(job_id=1, number=1)])

    assert "| `gpt-4o` | 1 | 1 | 0 | 0 | 0 |" in markdown_summary(data)


def test_a_comparison_is_told():
    before = Dataset.from_records(
        findings=[finding(), finding(app_num=2)], coverage=[coverage(), coverage(app_num=2)]
    )
    after = Dataset.from_records(
        findings=[finding(number=4, tool="bandit", message="fresh | [x](y)")],
        coverage=[coverage(), coverage(app_num=2, status=CoverageStatus.FAILED)],
    )
    text = markdown_summary(after, compare(before, after))

    assert "### New\n\n| Severity" in text
    assert "`fresh \\| [x](y)`" in text
    assert "### Fixed\n\n| Severity" in text
    assert "Not re-measured: 1 finding." in text


def test_long_tables_end_with_the_true_number():
    findings = [finding(rule=f"R{number:03}", number=number) for number in range(50)]

    assert "... and 30 more." in markdown_summary(Dataset.from_records(findings=findings))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_stays_text(payload):
    name = visible(payload)  # as the folder's name and the file's reader have it
    names = {"model": name, "tool": name}
    data = Dataset.from_records(
        tasks=[task(5, name, 3, TaskStatus.FAILED, error=error(payload))],
        findings=[finding(**names, rule=payload, message=payload, path=payload)],
        coverage=[coverage(**names, status=CoverageStatus.FAILED, detail=payload)],
    )
    html = render(markdown_summary(data, compare(Dataset.from_records(coverage=[coverage(**names)]), data)))

    outside = outside_code(html)
    assert set(re.findall(r"<(\w+)", outside)) <= {
        "h1",
        "h2",
        "h3",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert "evil" not in outside
    assert "octocat" not in outside
    for row in re.findall(r"<tr>(.*?)</tr>", html, flags=re.DOTALL):
        assert len(re.findall(r"<t[hd]", row)) in {3, 5, 6, 8, 11}
    assert len(re.findall(r"<h2", html)) == 5


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a", "`a`"),
        ("", "–"),  # noqa: RUF001 - the dash for none
        (" \n ", "–"),  # noqa: RUF001
        ("a`b``c", "```a`b``c```"),
        ("`a", "`` `a ``"),
        ("a|b", "`a\\|b`"),
        ("a\\|b", "`a\\ \\|b`"),
        ("a\nb", "`a b`"),
        ("x" * 200, "`" + "x" * 159 + "…`"),
    ],
)
def test_code(text, code):
    assert markdown_code(text) == code
