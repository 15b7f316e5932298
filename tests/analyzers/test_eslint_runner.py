"""The runner's own care, with a stand-in for ESLint that misbehaves on purpose."""

import json
from pathlib import Path

import pytest

from batchnb.analyzers.scanners import eslint
from batchnb.analyzers.scanners.eslint import ESLint
from batchnb.tools import kit
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import run_tool

STAND_IN = """
exports.Linter = class {
  verify(text, config, options) {
    const found = (rule, line) => ({ ruleId: rule, line, column: 1, message: 'found', severity: 1 });
    if (text.includes('loop')) for (;;);
    if (text.includes('hog')) { const all = []; for (;;) all.push(new Array(1e5).fill(text)); }
    if (text.includes('exit')) process.exit(7);
    if (text.includes('throw')) throw new Error('no way');
    if (text.includes('rule') && config.rules['no-eval'] !== 'off')
      throw Object.assign(new TypeError('x is undefined'), { ruleId: 'no-eval' });
    if (text.includes('many')) return Array.from({ length: 2500 }, (_, n) => found('no-eval', n + 1));
    return [found(config.rules['no-eval'] === 'off' ? 'no-new-func' : 'no-eval', 1)];
  }
};
"""
PACKAGES = (
    "@typescript-eslint/parser",
    "@microsoft/eslint-plugin-sdl",
    "eslint-plugin-no-unsanitized",
    "eslint-plugin-react",
    "eslint-plugin-security",
)

pytestmark = [
    pytest.mark.tool,
    pytest.mark.skipif(kit.node() is None, reason="needs Node from 20.19 on"),
]


@pytest.fixture(name="report")
def _report(tmp_path, monkeypatch):
    """Lint files with the stand-in."""

    def report(files, milliseconds=20_000):
        modules = tmp_path / "kit" / "node_modules"
        for name in (*PACKAGES, "eslint"):
            (modules / name).mkdir(parents=True)
            (modules / name / "package.json").write_text('{"version": "0.0.1", "main": "index.js"}')
            (modules / name / "index.js").write_text(STAND_IN if name == "eslint" else "")
        root = tmp_path / "root"
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        monkeypatch.setattr(eslint.kit, "find", lambda name: tmp_path / "kit")
        scanner = ESLint()
        output = run_tool(
            (*scanner.command(), *scanner.argv(root)),
            deadline=Deadline.after(100),
            cancel=CancelToken(),
            env={"BATCHNB_FILE_MS": str(milliseconds)},
            limits=scanner.limits,
        )
        assert json.loads(output.stdout.splitlines()[0]) == {"eslint": "0.0.1"}
        return scanner.parse(output)

    return report


def names(paths):
    return {Path(path).name for path in paths}


def test_a_file_that_takes_for_ever_is_named_and_the_others_are_linted(report):
    result = report({"000/a.js": "1", "000/b.js": "loop", "001/c.js": "1"}, milliseconds=3_000)

    assert list(result.unparsed.values()) == ["not linted within 3 seconds"]
    assert names(result.unparsed) == {"b.js"}
    assert names(issue.path for issue in result.issues) == {"a.js", "c.js"}


@pytest.mark.parametrize(
    ("text", "why"),
    [("hog", "memory"), ("exit", "ended with code 7"), ("throw", "no way")],
)
def test_a_file_that_brings_eslint_down_is_named_and_the_others_are_linted(report, text, why):
    result = report({"000/a.js": "1", "000/b.js": text, "001/c.js": "1"})

    assert names(result.unparsed) == {"b.js"}
    assert why in next(iter(result.unparsed.values()))
    assert names(issue.path for issue in result.issues) == {"a.js", "c.js"}


def test_a_rule_that_fails_is_named_and_the_other_rules_go_on(report):
    result = report({"000/a.js": "rule"})

    assert [issue.rule for issue in result.issues] == ["no-new-func"]
    assert "no-eval failed: x is undefined" in next(iter(result.incomplete.values()))


def test_what_is_left_out_is_counted(report):
    result = report({"000/a.js": "many"})

    assert len(result.issues) == 2_000
    assert "500 more findings were left out" in next(iter(result.incomplete.values()))


def test_only_scripts_are_linted_and_links_are_not_followed(report, tmp_path):
    outside = tmp_path / "outside.js"
    outside.write_text("1")
    (tmp_path / "root" / "000").mkdir(parents=True)
    (tmp_path / "root" / "000" / "link.js").symlink_to(outside)
    (tmp_path / "root" / "001").symlink_to(tmp_path)

    result = report({"000/a.mjs": "1", "000/b.vue": "1", "000/c.css": "1", "002/deep/er/d.tsx": "1"})

    assert names(result.scanned) == {"a.mjs", "d.tsx"}


def test_an_empty_folder_is_no_failure(report, tmp_path):
    (tmp_path / "root").mkdir()

    assert not report({}).scanned
