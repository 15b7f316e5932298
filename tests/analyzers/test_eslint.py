"""ESLint's adapter: recorded lines, lines that nobody should have written, and the real tool."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from batchnb.analyzers.scanners import eslint, javascript_rules
from batchnb.analyzers.scanners.eslint import ESLint
from batchnb.records import Severity, utc_now
from batchnb.records.errors import ReportError
from batchnb.tools import kit
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import Ending, RawOutput, run_tool
from batchnb.tools.version import tool_version

RECORDED = (Path(__file__).parent / "data" / "eslint" / "report.jsonl").read_bytes()
PORTFOLIO = Path(__file__).parents[2] / "examples" / "portfolio"
RULES = json.loads((Path(javascript_rules.__file__).with_name("node") / "eslint_rules.json").read_text())
EVAL = ["no-eval", "security/detect-eval-with-expression"]


def raw(stdout=RECORDED, **changes):
    output = RawOutput(
        argv=("node",), ending=Ending.EXITED, returncode=0, stdout=stdout, started_at=utc_now()
    )
    return replace(output, **changes)


def lines(*objects):
    return b"".join(json.dumps(line).encode() + b"\n" for line in objects)


@pytest.fixture(scope="session", name="installed")
def _installed():
    """ESLint in the tools folder of this checkout, where it stays."""
    if kit.node() is None:
        pytest.skip("needs Node from 20.19 on")
    (outcome,) = kit.install(["eslint"], seconds=100)
    if outcome.path is None:
        pytest.skip(f"ESLint could not be installed: {outcome.detail}")
    return outcome.path


def run(root):
    scanner = ESLint()
    return run_tool(
        (*scanner.command(), *scanner.argv(root)),
        deadline=Deadline.after(100),
        cancel=CancelToken(),
        limits=scanner.limits,
    )


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def rules_in(report, name):
    return sorted(issue.rule for issue in report.issues if issue.path.endswith(name))


def test_the_report_is_read_whole():
    report = ESLint().parse(raw())

    assert [(Path(i.path).name, i.line, i.column, i.rule, i.cwe) for i in report.issues] == [
        ("App.jsx", 6, 5, "no-unsanitized/property", 79),
        ("App.jsx", 6, 5, "@microsoft/sdl/no-inner-html", 79),
        ("App.jsx", 7, 12, "security/detect-eval-with-expression", 95),
        ("App.jsx", 7, 12, "no-eval", 95),
        ("App.jsx", 9, 17, "@microsoft/sdl/no-insecure-random", 338),
        ("App.jsx", 11, 10, "react/no-danger", 79),
        ("App.jsx", 16, 35, "react/jsx-no-target-blank", 1022),
        ("latin.js", 2, 1, "security/detect-eval-with-expression", 95),
        ("latin.js", 2, 1, "no-eval", 95),
    ]
    assert report.issues[0].severity is Severity.HIGH
    assert report.issues[4].tags == ("noise",)
    assert report.unparsed == {
        "/staged/000/src/broken.js": "line 1: Parsing error: Property assignment expected."
    }
    assert {Path(path).name for path in report.scanned} == {"App.jsx", "fine.ts", "latin.js"}


def test_a_file_without_a_rule_to_it_was_not_linted():
    ours = {
        "rule": None,
        "line": 0,
        "end_line": None,
        "column": 0,
        "message": "No configuration",
        "fatal": False,
    }
    row = {"file": "/r/a.js", "messages": [ours], "left_out": 0, "failed": []}

    report = ESLint().parse(raw(lines({"eslint": "9"}, row, {"end": 1})))

    assert report.unparsed == {"/r/a.js": "No configuration"}
    assert not report.scanned


def test_a_rule_that_failed_and_findings_left_out_are_told():
    failed = [{"rule": "react/no-danger", "why": "TypeError"}]
    row = {"file": "/r/a.js", "messages": [], "left_out": 7, "failed": failed}
    lost = {"file": "/r/b.js", "error": "not linted within 20 seconds"}

    report = ESLint().parse(raw(lines({"eslint": "9"}, row, lost, {"end": 2})))

    assert "react/no-danger failed: TypeError" in report.incomplete["/r/a.js"]
    assert "7 more findings" in report.incomplete["/r/a.js"]
    assert report.unparsed == {"/r/b.js": "not linted within 20 seconds"}


@pytest.mark.parametrize(
    "output",
    [
        raw(b""),
        raw(lines({"eslint": "9"})),
        raw(b"\n".join(RECORDED.splitlines()[:-1])),
        raw(b"\n".join([*RECORDED.splitlines()[:-2], RECORDED.splitlines()[-1]])),
        raw(RECORDED[:-30]),
        raw(lines({"eslint": "9"}, {"file": "/r/a.js"}, {"end": 1})),
        raw(lines({"eslint": "9"}, [], {"end": 1})),
        raw(RECORDED, returncode=134),
        raw(RECORDED, stdout_truncated=True),
    ],
    ids=["empty", "header", "no end", "one less", "half", "no messages", "list", "abort", "cut off"],
)
def test_what_is_no_report_is_refused(output):
    with pytest.raises(ReportError):
        ESLint().parse(output)


def test_without_node_or_eslint_there_is_no_command(monkeypatch):
    monkeypatch.setattr(eslint.kit, "find", lambda name: None)

    assert ESLint().command() is None


@pytest.mark.tool
@pytest.mark.xdist_group("eslint")
class TestTheRealOne:
    def test_it_says_its_version_and_finds_the_planted_fault(self, installed, tmp_path):
        path, text, rule = ESLint.self_test
        report = ESLint().parse(run(write(tmp_path, {f"000/{path}": text})))

        assert rules_in(report, path) == ["@microsoft/sdl/no-inner-html", rule]
        assert tool_version(ESLint().command(), Deadline.after(60), CancelToken()) == "9.39.5"

    def test_the_rows_are_those_of_the_command_line_called_by_hand(self, installed, tmp_path):
        rules = {name: ["warn", options] if options else "warn" for name, options in RULES.items()}
        config = f"""
            import {{ createRequire }} from 'node:module';
            const load = createRequire({json.dumps(str(installed / "package.json"))});
            export default [{{
              files: ['**/*.{{js,jsx,ts,tsx,mjs}}'],
              languageOptions: {{ parser: load('@typescript-eslint/parser'),
                parserOptions: {{ ecmaFeatures: {{ jsx: true }} }} }},
              settings: {{ react: {{ version: '19.0' }} }},
              plugins: {{ security: load('eslint-plugin-security'), react: load('eslint-plugin-react'),
                'no-unsanitized': load('eslint-plugin-no-unsanitized'),
                '@microsoft/sdl': load('@microsoft/eslint-plugin-sdl') }},
              rules: {json.dumps(rules)},
            }}];"""
        (tmp_path / "own.config.mjs").write_text(config)
        program = installed / "node_modules" / "eslint" / "bin" / "eslint.js"
        options = (
            "-c",
            tmp_path / "own.config.mjs",
            "--no-config-lookup",
            "--no-inline-config",
            "--no-ignore",
        )
        command = [kit.node(), program, *options, "--format", "json", PORTFOLIO]
        done = subprocess.run(command, cwd="/", capture_output=True, check=False, timeout=100)
        expected = sorted(
            (file["filePath"], row["line"], row["column"], row["ruleId"])
            for file in json.loads(done.stdout)
            for row in file["messages"]
            if row["ruleId"]
        )

        report = ESLint().parse(run(PORTFOLIO))

        assert sorted((i.path, i.line, i.column, i.rule) for i in report.issues) == expected
        assert len(expected) > 10
        assert [Path(path).name for path in report.unparsed] == ["UploadForm.jsx"]

    def test_nothing_of_the_app_runs_or_is_obeyed_even_in_place(self, installed, tmp_path):
        canary = tmp_path / "canary"
        runs = f"require('fs').writeFileSync({str(canary)!r}, 'x'); module.exports = [];"
        package = '{"eslintConfig": {"root": true, "rules": {"no-eval": "off"}}, "main": "plug.js"}'
        silenced = "/* eslint-disable */ /* eslint no-eval: 0 */\neval(code) // eslint-disable-line\n"
        files = {
            "000/src/a.js": silenced,
            "000/eslint.config.js": runs,
            "000/src/eslint.config.mjs": f"import fs from 'fs'; fs.writeFileSync({str(canary)!r}, 'x');",
            "000/.eslintrc.js": runs,
            "000/plug.js": runs,
            "000/package.json": package,
            "000/.eslintignore": "*",
            "000/.npmrc": "node-options=--require ./plug.js",
            "000/tsconfig.json": '{"extends": "./plug.js"}',
            "000/node_modules/eslint/package.json": '{"main": "index.js"}',
            "000/node_modules/eslint/index.js": runs,
            "000/node_modules/react/package.json": '{"version": "1.0.0", "main": "index.js"}',
            "000/node_modules/react/index.js": runs,
        }

        report = ESLint().parse(run(write(tmp_path, files)))

        assert rules_in(report, "src/a.js") == EVAL
        assert not canary.exists()

    def test_hostile_files_cost_only_themselves(self, installed, tmp_path):
        files = {
            "000/deep.js": "x=" + "[" * 50_000 + "]" * 50_000 + ";eval(code);",
            "001/broken.js": "((((eval(code);",
            "002/wide.js": "eval(code);\n".encode("utf-16"),
            "003/bom.js": b"\xef\xbb\xbfeval(code);\n",
            "004/crlf.js": b"let a;\r\neval(code);\r\n",
            "005/latin.js": b"// caf\xe9\neval(code);\n",
            "006/long.js": "x='" + "a" * 1_000_000 + "';eval(code);",
            "007/zero.js": "x='\0';eval(code);\n",
            "008/many.js": "eval(code);\n" * 2_000,
            "009/part.vue": "<script>eval(code)</script>",
            "010/types.ts": "eval(code as string);\n",
            "011/jsx.tsx": "const a = <a href={eval(code)}>x</a>;\n",
        }

        report = ESLint().parse(run(write(tmp_path, files)))

        named = {Path(path).name for path in report.unparsed}
        assert named == {"deep.js", "broken.js", "wide.js"}
        for name in ("bom.js", "crlf.js", "latin.js", "long.js", "zero.js", "types.ts", "jsx.tsx"):
            assert rules_in(report, name) == EVAL
        assert "2000 more findings were left out" in report.incomplete[str(tmp_path / "008/many.js")]
        assert "part.vue" not in " ".join([*report.scanned, *report.unparsed])
