from __future__ import annotations

from html.parser import HTMLParser

import pytest
from factories import HOSTILE, app, batch, coverage, error, job, portfolio

from batchnb.records import CoverageStatus, JobStatus, Portfolio, UnparsedFile
from batchnb.results.portfolio_view import job_html, portfolio_html
from batchnb.results.severity import severity_info


class Elements(HTMLParser):
    """Collects tags and text, and fails on what is not closed."""

    VOID = frozenset({"br", "meta", "img"})

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_grid_shows_what_each_app_has():
    text = Elements(portfolio_html(portfolio(problems=["apps/readme: not a folder"]))).text
    assert "6 apps of 2 models, 1 placeholder, 1 with files that do not parse" in text
    assert "⚠1" in text
    assert "·F·" in text
    assert "backend/app.py:12: unexpected indent" in text
    assert "apps/readme: not a folder" in text


def test_grid_leaves_room_for_apps_that_one_model_lacks():
    apps = (app("a", 1), app("b", 7))
    text = Elements(portfolio_html(Portfolio(base=".", apps=apps))).text
    assert text.count("\N{EN DASH}") >= 2


def test_empty_portfolio_and_many_columns():
    assert "0 apps" in portfolio_html(Portfolio(base=".", apps=()))
    wide = portfolio_html(portfolio(models=["a"], numbers=range(1, 101)))
    assert "60 more app numbers are not shown" in wide


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_dead(text):
    broken = UnparsedFile(path=text, line=1, reason=text)
    html = portfolio_html(Portfolio(base=".", apps=(app(text, 1, unparsed=(broken,)),), problems=(text,)))
    html += job_html(job(name=text, errors=[error(text)]))
    tags = {tag for tag, _ in Elements(html).tags}
    assert not tags & {"script", "img", "b"}
    assert "{{7*7}}" in html or text != "{{7*7}}"
    assert html.encode("utf-8")
    assert "\x1b" not in html


def test_themes_are_followed_and_no_background_is_fixed():
    html = portfolio_html(portfolio())
    assert "var(--jp-" in html
    assert "background: #" not in html


def test_job_picture_counts_tasks_and_findings():
    tasks, findings, cells = batch()
    html = job_html(job(tasks, JobStatus.FAILED, errors=[error()]), severity_info(findings, cells, tasks))
    text = " ".join(Elements(html).text.split())
    assert "Job 1: Nightly backend scan is failed." in text
    assert "12 of 12 tasks ended (" in text
    assert "≥" in text
    assert "analysis: bandit ended with exit code 2" in text


def test_job_picture_gives_no_zero_for_what_was_not_measured():
    info = severity_info([], [coverage(status=CoverageStatus.FAILED)])
    text = Elements(job_html(job(), info)).text
    assert "Nothing was measured" in text
    assert "high" not in text
