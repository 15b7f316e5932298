"""Requirements that are not pinned, and lines that are none."""

from pathlib import Path

import pytest

from batchnb.analyzers.checks.requirements import RULES, RequirementsCheck
from batchnb.analyzers.checks.requirements_file import read_lines
from batchnb.records import Severity

PORTFOLIO = Path(__file__).parents[3] / "examples" / "portfolio"


def check(text, **others):
    return RequirementsCheck().check({"backend/requirements.txt": text, **others})


def found(text):
    return [(issue.line, issue.rule) for issue in check(text).issues]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("flask", "requirement-unpinned"),
        ("flask[async]", "requirement-unpinned"),
        ('flask ; python_version > "3"', "requirement-unpinned"),
        ("flask>=3.0,<4", "requirement-range"),
        ("flask~=3.0", "requirement-range"),
        ("flask==3.*", "requirement-range"),
        ("flask @ https://example.org/flask.zip", "requirement-url"),
        ("git+https://example.org/flask", "requirement-url"),
        ("-e git+ssh://git@example.org/flask#egg=flask", "requirement-url"),
        ("-e .", "requirement-local"),
        ("--editable=./lib", "requirement-local"),
        ("./lib", "requirement-local"),
        ("lib/flask-3.0-py3-none-any.whl", "requirement-local"),
        ("--extra-index-url https://example.org/simple", "requirement-extra-index"),
        ("-i https://example.org/simple", "requirement-extra-index"),
        ("-ihttps://example.org/simple", "requirement-extra-index"),
        ("--find-links https://example.org/files", "requirement-extra-index"),
        ("--trusted-host example.org", "requirement-trusted-host"),
    ],
)
def test_each_rule_sees_its_line_and_nothing_else(line, rule):
    assert found(f"# a comment\n\n{line}  # why\n") == [(3, rule)]


@pytest.mark.parametrize(
    "line",
    [
        *("flask==3.0.3", "Flask[async]==3.0.3", "flask===3.0.3", 'flask==3.0.3; python_version < "4"'),
        "flask==3.0.3 --hash=sha256:abc \\\n    --hash=sha256:def",
        *("--no-index", "--require-hashes", "--pre", "--only-binary :all:", "# nothing", "", "\ufeff# mark"),
    ],
)
def test_what_is_pinned_or_harmless_is_not_reported(line):
    report = check(f"{line}\n")

    assert (report.issues, report.unparsed, report.incomplete) == ((), {}, {})


@pytest.mark.parametrize(
    "line",
    ["a @ http://example.org/a.zip", "git+http://example.org/a", "--index-url http://example.org/simple"],
)
def test_plain_http_is_a_fault_of_its_own(line):
    assert (1, "requirement-plain-http") in found(line)


def test_a_password_in_an_address_is_not_repeated():
    report = check(
        "--extra-index-url https://user:hunter2@example.org/simple\n-e git+https://t0ken@example.org/a\n"
    )

    assert "hunter2" not in str(report)
    assert "t0ken" not in str(report)
    assert "example.org" in report.issues[0].message


def test_prose_is_unread_and_a_strange_line_is_named():
    prose = check("Here are the requirements you asked for:\nHave fun with them!\n")
    strange = check("flask==3.0.3\n```\n--evil\n")

    assert prose.unparsed == {
        "backend/requirements.txt": "line 1 is no requirement; line 2 is no requirement"
    }
    assert strange.unparsed == {}
    assert strange.incomplete == {
        "backend/requirements.txt": "line 2 is no requirement; line 3 is no option of pip"
    }


def test_files_that_are_named_but_not_there_are_told():
    line = "-r base.txt\n-c ../constraints.txt\n"

    assert "line 1 names base.txt" in check(line).incomplete["backend/requirements.txt"]
    there = {"backend/base.txt": "", "constraints.txt": ""}
    assert check(line, **there).incomplete == {}


def test_a_file_with_another_name_is_unread_and_not_clean():
    report = RequirementsCheck().check({"backend/staged_00001.txt": "flask"})

    assert (report.issues, list(report.unparsed)) == ((), ["backend/staged_00001.txt"])


def test_huge_files_and_lines_are_cut_and_told():
    many = check("a\n" * 6_000)
    long = check(f"flask==1.0\n{'a' * 100_000}\n")
    endless = check("flask \\\n" * 20_000)

    assert "more than 2000 lines" in many.incomplete["backend/requirements.txt"]
    assert "line 2 line of 100000 characters" in long.incomplete["backend/requirements.txt"]
    assert len(endless.unparsed) == 1


def test_the_parser_takes_what_pip_takes():
    lines = list(read_lines("a==1 \\\n  ; python_version > '3' \\\n\nb\n"))

    assert [(line.number, line.requirement.name) for line in lines] == [(1, "a"), (4, "b")]


def test_the_sample_portfolio():
    files = {
        str(path.relative_to(PORTFOLIO)): path.read_text() for path in PORTFOLIO.rglob("requirements.txt")
    }

    report = RequirementsCheck().check(files)

    by_app = {issue.path.rpartition("/backend")[0] for issue in report.issues}
    pinned = {f"atlas-4/app{number}" for number in (1, 2, 3)}
    assert {path.rpartition("/backend")[0] for path in files} - by_app == pinned
    assert (report.unparsed, report.incomplete) == ({}, {})


def test_every_rule_has_a_weakness_and_a_name_of_its_own():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.cwe and rule.severity in Severity for rule in RULES)


def test_it_finds_what_is_planted():
    path, text, rule = RequirementsCheck.self_test
    assert [issue.rule for issue in RequirementsCheck().check({path: text}).issues] == [rule]
