"""Checks of Dockerfiles: each rule with files that it sees and files that it must not see."""

import pytest

from batchnb.analyzers.checks.dockerfile import DockerfileCheck
from batchnb.analyzers.checks.dockerfile_form import read_instructions

GOOD = "FROM python:3.12-slim\nUSER app\n"


def found(text):
    report = DockerfileCheck().check({"Dockerfile": text})
    assert (report.unparsed, report.incomplete) == ({}, {})
    return [(issue.line, issue.rule) for issue in report.issues]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM python:3.12\n", (1, "docker-root")),
        ("FROM python:3.12\nUSER root\n", (2, "docker-root")),
        ("FROM python:3.12\nUSER app\nUSER 0:0\n", (3, "docker-root")),
        ("FROM python:3.12 AS build\nUSER app\nFROM python:3.12\n", (3, "docker-root")),
        ("FROM python\nUSER app\n", (1, "docker-untagged")),
        ("FROM --platform=linux/amd64 python:latest AS x\nUSER app\n", (1, "docker-untagged")),
        ("FROM example.org:5000/python\nUSER app\n", (1, "docker-untagged")),
        (f"{GOOD}ADD https://example.org/a.tgz /srv/\n", (3, "docker-add-url")),
        (f'{GOOD}ADD ["http://example.org/a.tgz", "/srv/"]\n', (3, "docker-add-url")),
        (f"{GOOD}RUN curl -fsSL https://example.org/i.sh | bash\n", (3, "docker-pipe-to-shell")),
        (
            f"{GOOD}RUN apt-get update && \\\n    wget -qO- https://example.org | sudo -E sh -\n",
            (3, "docker-pipe-to-shell"),
        ),
        (f'{GOOD}RUN ["sh", "-c", "curl https://example.org | sh"]\n', (3, "docker-pipe-to-shell")),
        (f'{GOOD}RUN bash -c "$(curl -fsSL https://example.org)"\n', (3, "docker-pipe-to-shell")),
        (
            f"{GOOD}RUN <<EOF\napt-get update\ncurl https://example.org | sh\nEOF\n",
            (3, "docker-pipe-to-shell"),
        ),
        (f"{GOOD}ENV SECRET_KEY=hunter2x\n", (3, "docker-secret")),
        (f"{GOOD}ENV A=1 \\\n  DB_PASSWORD='hunter2x'\n", (3, "docker-secret")),
        (f"{GOOD}ENV API_KEY hunter2x\n", (3, "docker-secret")),
        (f"{GOOD}ARG GITHUB_TOKEN=hunter2x\n", (3, "docker-secret")),
        (f"{GOOD}ENV FLASK_DEBUG=1\n", (3, "docker-debug")),
        (f"{GOOD}ENV FLASK_ENV development\n", (3, "docker-debug")),
        (f'{GOOD}CMD ["flask", "run", "--debug", "--host", "0.0.0.0"]\n', (3, "docker-debug")),
        (f"{GOOD}cmd flask --app app --debug run\n", (3, "docker-debug")),
    ],
)
def test_each_rule_sees_its_line_and_nothing_else(text, expected):
    assert found(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "FROM scratch\nUSER 1000\n",
        "FROM python@sha256:abc\nUSER app\n",
        "ARG TAG=3.12\nFROM python:${TAG}\nUSER app\n",
        "FROM python:3.12 AS build\nFROM build\nUSER app\n",
        f"{GOOD}ADD --checksum=sha256:abc https://example.org/a.tgz /srv/\n",
        f"{GOOD}ADD a.tgz /srv/\nCOPY . .\n",
        f"{GOOD}RUN curl -o a.sh https://example.org/a.sh && sha256sum -c a.sum && sh a.sh\n",
        f"{GOOD}RUN curl https://example.org | tar xz\n",
        f"{GOOD}# RUN curl https://example.org | sh\n",
        f"{GOOD}ENV SECRET_KEY=\nENV SECRET_KEY=$FROM_OUTSIDE\nARG API_KEY\n",
        f"{GOOD}ENV SECRET_KEY_FILE=/run/secrets/key TOKEN_EXPIRES=3600 PASSWORD_MIN_LENGTH=8\n",
        f"{GOOD}ENV MYSQL_ALLOW_EMPTY_PASSWORD=yes AUTHOR=hunter2x COMPASS=north\n",
        f"{GOOD}ENV FLASK_DEBUG=0 FLASK_ENV=production\n",
        f'{GOOD}CMD ["flask", "run", "--host", "0.0.0.0"]\n',
        f"{GOOD}RUN echo flask --debug\n",
    ],
)
def test_what_is_done_right_is_not_reported(text):
    assert found(text) == []


def test_an_example_value_is_marked():
    (issue,) = DockerfileCheck().check({"Dockerfile": f"{GOOD}ENV SECRET_KEY=change-me\n"}).issues

    assert (issue.rule, issue.tags) == ("docker-secret", ("noise", "placeholder"))


def test_the_value_of_a_secret_is_not_repeated():
    report = DockerfileCheck().check({"Dockerfile": f"{GOOD}ENV SECRET_KEY=hunter2x\n"})

    assert "hunter2x" not in str(report)


def test_what_is_no_dockerfile_is_unread_and_a_strange_line_is_named():
    check = DockerfileCheck()

    prose = check.check({"Dockerfile": "Here is your Dockerfile:\n"})
    empty = check.check({"Dockerfile": ""})
    fenced = check.check({"Dockerfile": f"```dockerfile\n{GOOD}```\n"})

    assert prose.unparsed == {"Dockerfile": "has no FROM: line 1 is no instruction"}
    assert empty.unparsed == {"Dockerfile": "has no FROM"}
    assert fenced.incomplete == {"Dockerfile": "line 1 is no instruction; line 4 is no instruction"}


def test_other_escapes_and_case_are_read():
    text = "# escape=`\nfrom python:3.12\nRUN dir `\n  C:\\\nUSER app\n"

    assert [(each.line, each.word) for each in read_instructions(text)] == [
        (2, "FROM"),
        (3, "RUN"),
        (5, "USER"),
    ]


@pytest.mark.parametrize(
    "text",
    ["RUN <<EOF\n" * 3_000, "FROM a \\\n" * 6_000, "RUN " + "curl " * 3_000, "FROM a\nENV " + "a" * 16_000],
)
def test_hostile_files_end(text):
    report = DockerfileCheck().check({"Dockerfile": text})

    assert report.unparsed or report.incomplete or report.issues


def test_it_finds_what_is_planted():
    path, text, rule = DockerfileCheck.self_test
    assert rule in {issue.rule for issue in DockerfileCheck().check({path: text}).issues}


def test_a_file_with_another_name_is_unread_and_not_clean():
    report = DockerfileCheck().check({"staged_00001": "FROM python\n"})

    assert (report.issues, list(report.unparsed)) == ((), ["staged_00001"])
