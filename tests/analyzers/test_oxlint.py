"""oxlint's adapter: recorded reports, ones that no tool should have written, and the real tool."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from batchnb.analyzers.scanners.javascript_rules import RULES
from batchnb.analyzers.scanners.oxlint import Oxlint
from batchnb.records import Severity, utc_now
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.process import Ending, RawOutput, run_tool

RECORDED = (Path(__file__).parent / "data" / "oxlint" / "report.json").read_bytes()
PORTFOLIO = Path(__file__).parents[2] / "examples" / "portfolio"
NOTHING = b"""No files found to lint. Please check your paths and ignore patterns.
{ "diagnostics": [], "number_of_files": 0, "number_of_rules": 10, "threads_count": 2, "start_time": 0.1 }
"""


def raw(stdout=RECORDED, **changes):
    output = RawOutput(
        argv=("oxlint",), ending=Ending.EXITED, returncode=1, stdout=stdout, started_at=utc_now()
    )
    return replace(output, **changes)


def run(root):
    scanner = Oxlint()
    return run_tool(
        (*scanner.command(), *scanner.argv(root)),
        deadline=Deadline.after(60),
        cancel=CancelToken(),
        env=scanner.environment,
        limits=scanner.limits,
    )


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def rows(report):
    return [(Path(issue.path).name, issue.line, issue.rule) for issue in report.issues]


def test_the_report_is_read_whole():
    report = Oxlint().parse(raw())

    assert rows(report) == [
        ("App.jsx", 7, "eslint(no-eval)"),
        ("App.jsx", 11, "react(no-danger)"),
        ("App.jsx", 16, "react(jsx-no-target-blank)"),
    ]
    assert [(issue.severity, issue.cwe) for issue in report.issues] == [
        (Severity.MEDIUM, 95),
        (Severity.MEDIUM, 79),
        (Severity.LOW, 1022),
    ]
    assert report.unparsed == {
        "/staged/000/src/broken.js": "line 1: Unexpected token",
        "/staged/000/src/latin.js": "not read: stream did not contain valid UTF-8",
    }
    assert not report.doubt


def test_a_report_about_nothing_is_not_clean():
    report = Oxlint().parse(raw(NOTHING))

    assert report.doubt == "oxlint found no file to lint"


def test_a_complaint_that_names_no_file_is_a_doubt():
    document = {"diagnostics": [{"message": "no rule of mine", "severity": "error"}], "number_of_files": 3}

    assert "no rule of mine" in Oxlint().parse(raw(json.dumps(document).encode())).doubt


def test_a_type_error_is_no_rule():
    document = json.loads(RECORDED)
    document["diagnostics"][2]["code"] = "TS(8016)"

    report = Oxlint().parse(raw(json.dumps(document).encode()))

    assert "/staged/000/src/App.jsx" in report.unparsed
    assert len(report.issues) == 2


@pytest.mark.parametrize(
    "output",
    [
        raw(b""),
        raw(b"Failed to parse oxlint configuration file."),
        raw(RECORDED[:-40]),
        raw(b"[]"),
        raw(b'{"diagnostics": [3], "number_of_files": 1}'),
        raw(b'{"diagnostics": []}'),
        raw(RECORDED, returncode=134),
        raw(RECORDED, returncode=None),
        raw(RECORDED, stdout_truncated=True),
    ],
    ids=["empty", "text", "half", "list", "number", "no count", "abort", "no code", "cut off"],
)
def test_what_is_no_report_is_refused(output):
    with pytest.raises(ReportError):
        Oxlint().parse(output)


def test_many_files_are_given_as_their_folder(tmp_path, monkeypatch):
    write(tmp_path, {"000/a.js": "", "000/b.txt": "", "001/c.vue": ""})

    assert Oxlint().argv(tmp_path)[-2:] == (str(tmp_path / "000/a.js"), str(tmp_path / "001/c.vue"))
    monkeypatch.setattr("batchnb.analyzers.scanners.oxlint._LONGEST_NAMES", 10)
    assert Oxlint().argv(tmp_path)[-1] == str(tmp_path)


@pytest.mark.tool
def test_every_rule_is_known_to_the_real_tool_and_its_planted_fault_is_found(tmp_path):
    path, text, rule = Oxlint.self_test
    output = run(write(tmp_path, {f"000/{path}": text}))

    assert rule in {issue.rule for issue in Oxlint().parse(output).issues}
    assert json.loads(output.stdout)["number_of_rules"] == 10


@pytest.mark.tool
def test_the_rows_are_those_of_the_tool_called_by_hand(tmp_path):
    wanted = {"no-eval", "no-new-func", "no-script-url"} | {r for r in RULES if r.startswith("react/")}
    chosen = [part for rule in sorted(wanted) for part in ("-W", rule)]
    command = [*Oxlint().command(), "-A", "all", "--react-plugin", *chosen, "--format", "json", PORTFOLIO]
    by_hand = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout)
    expected = sorted(
        (Path(row["filename"]).resolve(), row["labels"][0]["span"]["line"], row["code"])
        for row in by_hand["diagnostics"]
        if "code" in row
    )

    report = Oxlint().parse(run(PORTFOLIO))

    assert sorted((Path(i.path).resolve(), i.line, i.rule) for i in report.issues) == expected
    assert len(expected) == 6


@pytest.mark.tool
def test_no_file_above_or_beside_silences_it(tmp_path):
    config = '{"jsPlugins": ["./plug.js"], "rules": {"no-eval": "off"}, "ignorePatterns": ["**"]}'
    canary = tmp_path / "canary"
    files = {
        ".gitignore": "*",
        "root/.gitignore": "*",
        "root/000/.eslintignore": "*",
        "root/000/.oxlintrc.json": config,
        "root/000/plug.js": f"require('fs').writeFileSync({str(canary)!r}, 'x')",
        "root/000/src/a.js": "eval(code);\n",
    }
    write(tmp_path, files)

    report = Oxlint().parse(run(tmp_path / "root"))

    assert ("a.js", 1, "eslint(no-eval)") in rows(report)
    assert not canary.exists()


@pytest.mark.tool
def test_bom_line_ends_long_lines_and_nesting_are_no_trouble(tmp_path):
    hostile = {
        "000/bom.js": b"\xef\xbb\xbfeval(code);\n",
        "001/crlf.js": b"let a;\r\neval(code);\r\n",
        "002/long.js": "x='" + "a" * 1_000_000 + "';eval(code);",
        "003/deep.js": "x=" + "[" * 20_000 + "]" * 20_000 + ";eval(code);",
        "004/part.vue": "<script>eval(code)</script>",
    }

    report = Oxlint().parse(run(write(tmp_path, hostile)))

    assert sorted(rows(report)) == [
        ("bom.js", 1, "eslint(no-eval)"),
        ("crlf.js", 2, "eslint(no-eval)"),
        ("deep.js", 1, "eslint(no-eval)"),
        ("long.js", 1, "eslint(no-eval)"),
        ("part.vue", 1, "eslint(no-eval)"),
    ]


@pytest.mark.tool
def test_nesting_without_end_is_a_failure_and_not_clean(tmp_path):
    output = run(write(tmp_path, {"000/a.js": "x=" + "(" * 500_000}))

    with pytest.raises(ReportError):
        Oxlint().parse(output)
