"""Checks of compose files, and YAML that is meant to hurt."""

import pytest

from batchnb.analyzers.checks.compose import ComposeCheck

HEAD = "services:\n  web:\n    image: web:1\n"


def check(text):
    return ComposeCheck().check({"docker-compose.yml": text})


def found(text):
    report = check(text)
    assert report.unparsed == {}
    return [(issue.line, issue.rule) for issue in report.issues]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("    privileged: true\n", (4, "compose-privileged")),
        ("    network_mode: host\n", (4, "compose-host-namespace")),
        ('    pid: "host"\n', (4, "compose-host-namespace")),
        (
            "    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock:ro\n",
            (5, "compose-docker-socket"),
        ),
        (
            "    volumes:\n      - type: bind\n        source: /run/docker.sock\n        target: /x\n",
            (5, "compose-docker-socket"),
        ),
        ("    volumes: ['/:/host']\n", (4, "compose-host-folder")),
        ("    volumes: ['/etc:/etc']\n", (4, "compose-host-folder")),
        ("    cap_add:\n      - SYS_ADMIN\n", (5, "compose-capability")),
        ("    security_opt: ['seccomp:unconfined']\n", (4, "compose-unconfined")),
        ("    ports:\n      - '8080:80'\n", (5, "compose-open-port")),
        ("    ports:\n      - '0.0.0.0:8080:80'\n", (5, "compose-open-port")),
        ("    ports:\n      - target: 80\n        published: 8080\n", (5, "compose-open-port")),
        ("    environment:\n      POSTGRES_PASSWORD: hunter2x\n", (5, "compose-secret")),
        ("    environment:\n      - A=1\n      - SECRET_KEY=hunter2x\n", (6, "compose-secret")),
        ("    environment: {FLASK_DEBUG: 1}\n", (4, "compose-debug")),
        ("    command: flask run --debug\n", (4, "compose-debug")),
        ("    command: [flask, run, --debug]\n", (4, "compose-debug")),
    ],
)
def test_each_rule_sees_its_line_and_nothing_else(lines, expected):
    assert found(HEAD + lines) == [expected]


@pytest.mark.parametrize(
    "lines",
    [
        "    privileged: false\n    network_mode: bridge\n    pid: service:db\n",
        "    volumes:\n      - ./src:/srv\n      - data:/var/lib/app\n      - /srv/app/etc:/etc/app\n",
        "    cap_drop: [ALL]\n    security_opt: ['no-new-privileges:true']\n",
        "    ports:\n      - '127.0.0.1:8080:80'\n      - '[::1]:8080:80'\n      - '80'\n",
        "    ports:\n      - target: 80\n        published: 8080\n        host_ip: 127.0.0.1\n",
        "    environment:\n      SECRET_KEY: ${SECRET_KEY}\n      POSTGRES_PASSWORD_FILE: /run/secrets/pw\n",
        "    environment:\n      - SECRET_KEY\n      - FLASK_DEBUG=0\n      - TOKEN_TTL=3600\n",
        "    command: flask run --host 0.0.0.0\n",
        "    environment:\n    ports:\n    volumes:\n    command:\n",
    ],
)
def test_what_is_done_right_is_not_reported(lines):
    assert found(HEAD + lines) == []


def test_an_open_port_is_noise_and_an_example_secret_is_marked():
    report = check(f"{HEAD}    ports: ['8080:80']\n    environment: {{SECRET_KEY: changeme}}\n")

    assert [issue.tags for issue in report.issues] == [("noise",), ("noise", "placeholder")]


def test_the_value_of_a_secret_is_not_repeated():
    assert "hunter2x" not in str(check(f"{HEAD}    environment: {{SECRET_KEY: hunter2x}}\n"))


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "line 2: a YAML alias, which is not followed"),
        ("[" * 5_000, "nested more than 24 deep"),
        ("a: " + "{a: " * 200, "nested more than 24 deep"),
        ("x" * 200_000, "larger than 131072 characters"),
        ("services: [\n", "line 2: expected the node content, but found '<stream end>'"),
        ("a: \x07\n", "is no YAML"),
        ("a: 1\n---\nb: 2\n", "but found another document"),
        ("Here is your file!\n", "has no services"),
        ("", "has no services"),
        ("services:\n", "has no services"),
        ("services: [web]\n", "has no services"),
        ("- services\n", "has no services"),
    ],
)
def test_what_is_not_read_is_told(text, why):
    report = check(text)

    assert report.issues == ()
    assert why in report.unparsed["docker-compose.yml"]


def test_no_object_is_made():
    text = f"{HEAD}    command: !!python/object/apply:os.system ['touch executed']\n    privileged: yes\n"

    assert found(text) == [(5, "compose-privileged")]


def test_strange_values_do_not_break_it():
    odd = "{ports: {a: 1}, environment: 5, volumes: [[a], {b: c}]}"
    text = f"services:\n  1: 2\n  web: [a]\n  ? [a, b]\n  : {odd}\n"

    assert found(text) == []


def test_it_finds_what_is_planted():
    path, text, rule = ComposeCheck.self_test
    assert [issue.rule for issue in ComposeCheck().check({path: text}).issues] == [rule]


def test_a_file_with_another_name_is_unread_and_not_clean():
    report = ComposeCheck().check({"staged_00001.yml": f"{HEAD}    privileged: true\n"})

    assert (report.issues, list(report.unparsed)) == ((), ["staged_00001.yml"])


def test_a_hostile_command_does_not_take_long():
    assert found(f"{HEAD}    command: {'flask --deb ' * 9_000}\n") == []
