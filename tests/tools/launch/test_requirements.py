"""Names and versions pass; what could make an installer run or fetch something else does not."""

from __future__ import annotations

import json

import pytest

from batchnb.tools.launch.requirements import clean_package, clean_requirements


def test_plain_requirements_pass():
    cleaned = clean_requirements(
        "\ufeff# the web part\nFlask==3.1.3\nWerkzeug  # no version\nuvicorn[standard] >=0.20, <1\n\n"
        "PyYAML==6.0.3 --hash=sha256:00 \\\n  --hash=sha256:11\r\nflask == 3.1.2\n"
        'only_elsewhere; sys_platform == "win32"\nhere; python_version >= "3.8"\n'
    )
    assert cleaned.lines == (
        "flask==3.1.2",
        "here",
        "PyYAML==6.0.3",
        "uvicorn[standard]<1,>=0.20",
        "Werkzeug",
    )
    assert cleaned.refused == ()
    assert "pyyaml" in cleaned.names


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--editable=git+https://host.example/x",
        "-r other.txt",
        "--requirement other.txt",
        "-c limits.txt",
        "--index-url http://host.example/simple",
        "--extra-index-url=http://host.example",
        "--find-links ./wheels",
        "--no-binary :all:",
        "--pre",
        ".",
        "./package",
        "../package",
        "/tmp/package",
        "file:///tmp/package",
        "git+https://host.example/x",
        "https://host.example/x.whl",
        "flask @ https://host.example/flask.whl",
        "flask @ file:///tmp/flask",
        "flask===weird",
        "flask --install-option=x",
        "flask==3.1.3 --global-option=build",
        "x.whl; rm",
        "Here is your file:",
        "${EVIL}",
    ],
)
def test_everything_else_is_refused_and_told(line):
    cleaned = clean_requirements(f"{line}\nFlask\n")
    assert [text for text, _ in cleaned.refused] == [line]
    assert cleaned.lines == ("Flask",)


def test_there_is_an_end_to_it():
    cleaned = clean_requirements("\n".join(f"package{number}" for number in range(300)))
    assert len(cleaned.lines) == 200
    assert cleaned.refused[0] == ("package200", "more than 200 lines")


def test_published_packages_pass():
    wanted = {"express": "^4.19.0", "@scope/name": "1.x || >=2", "cors": "latest", "any": "*"}
    document = {"dependencies": wanted, "scripts": {"preinstall": "evil"}, "devDependencies": {"jest": "1"}}
    cleaned = clean_package(json.dumps(document))
    assert cleaned.packages == wanted
    assert cleaned.refused == ()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("x", "git+https://host.example/x.git"),
        ("x", "https://host.example/x.tgz"),
        ("x", "file:../x"),
        ("x", "link:../x"),
        ("x", "npm:other@1"),
        ("x", "user/repository"),
        ("x", "workspace:*"),
        ("x", "$(evil)"),
        ("x", {"version": "1"}),
        ("../x", "1"),
        ("-x", "1"),
        ("--registry=http://host.example", "1"),
        ("X Y", "1"),
    ],
)
def test_other_packages_are_refused(name, wanted):
    cleaned = clean_package(json.dumps({"dependencies": {name: wanted, "good": "1"}}))
    assert cleaned.packages == {"good": "1"}
    assert len(cleaned.refused) == 1


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"dependencies": []}', "[" * 100_000])
def test_a_broken_package_file_has_no_package(text):
    assert clean_package(text).packages == {}
