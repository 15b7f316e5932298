"""The sample portfolio's frontends: every seeded fault is seen, and clean ones stay clean."""

import json
from pathlib import Path

import pytest

pytest.importorskip("ast_grep_py", reason="needs the extra 'tools'")

from batchnb.analyzers.scanners.ast_grep import AstGrep, AstGrepSecrets
from batchnb.analyzers.scanners.eslint import ESLint
from batchnb.analyzers.scanners.oxlint import Oxlint
from batchnb.records import Severity
from batchnb.tools import kit
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import run_tool

EXAMPLES = Path(__file__).parents[2] / "examples"
PORTFOLIO = EXAMPLES / "portfolio"
APPS = json.loads((EXAMPLES / "truth.json").read_text(encoding="utf-8"))["apps"]
FAULTS = {
    (app["model"], app["app"], fault["file"], fault["line"]): fault["cwe"]
    for app in APPS
    for fault in app["faults"]
    if fault["side"] == "frontend"
}
ONLY_BY_LINTERS = {83}
"""CWEs that our own rules leave to the linters, each of which has them: a javascript: address."""


def own_rows():
    """What our own rules say: place -> CWEs, and the severities per app."""
    for app in APPS:
        folder = PORTFOLIO / app["model"] / f"app{app['app']}"
        scripts = [path for path in folder.rglob("*") if path.suffix in AstGrep.suffixes]
        files = {path.relative_to(folder).as_posix(): path.read_text() for path in scripts}
        for check in (AstGrep(), AstGrepSecrets()):
            for issue in check.check(files).issues:
                yield (app["model"], app["app"], issue.path, issue.line), issue


def scanner_rows(scanner):
    output = run_tool(
        (*scanner.command(), *scanner.argv(PORTFOLIO)),
        deadline=Deadline.after(100),
        cancel=CancelToken(),
        env=scanner.environment,
        limits=scanner.limits,
    )
    for issue in scanner.parse(output).issues:
        model, app, *path = (Path.cwd() / issue.path).relative_to(PORTFOLIO).parts
        yield (model, int(app.removeprefix("app")), "/".join(path), issue.line), issue


def judge(rows):
    """Return which faults are seen with their CWE, and assert that no clean app has a high finding."""
    kinds = {(app["model"], app["app"]): app["kind"] for app in APPS}
    seen = set()
    for place, issue in rows:
        if kinds[place[:2]] == "clean":
            assert issue.severity is not Severity.HIGH
        if FAULTS.get(place) == issue.cwe:
            seen.add(place)
    return seen


def test_our_own_rules_see_every_fault_but_those_left_to_the_linters_and_nothing_else():
    rows = list(own_rows())

    assert judge(rows) == {place for place, cwe in FAULTS.items() if cwe not in ONLY_BY_LINTERS}
    assert {place for place, _ in rows} <= set(FAULTS)


@pytest.mark.tool
def test_oxlint_sees_the_rest_without_node():
    seen = judge(scanner_rows(Oxlint()))

    assert {place for place, cwe in FAULTS.items() if cwe in ONLY_BY_LINTERS} <= seen
    assert len(seen) == 5


@pytest.mark.tool
@pytest.mark.xdist_group("eslint")
def test_eslint_sees_most_of_them():
    if kit.node() is None:
        pytest.skip("needs Node from 20.19 on")
    (outcome,) = kit.install(["eslint"], seconds=100)
    if outcome.path is None:
        pytest.skip(f"ESLint could not be installed: {outcome.detail}")
    rows = list(scanner_rows(ESLint()))

    assert len(judge(rows)) == 12
    assert {place for place, _ in rows} <= set(FAULTS)
