"""Compose files: read without aliases, and rewritten without rights."""

from __future__ import annotations

import json

import pytest
from launching import PORTFOLIO

from batchnb.records.errors import ReportError
from batchnb.tools.launch.compose import (
    Published,
    backend_environment,
    backend_name,
    parse_compose,
    published_ports,
    read_compose,
    rewrite_compose,
)

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nservices: {x: *b}\n"
HOSTILE = b"""
services:
  backend:
    build: {context: ./backend, dockerfile: Dockerfile, network: host, args: {A: b}}
    image: tidy/name:1
    command: ["flask", "run"]
    privileged: true
    network_mode: host
    pid: host
    ipc: host
    userns_mode: host
    cgroup_parent: /
    cap_add: [SYS_ADMIN]
    devices: ["/dev/sda:/dev/sda"]
    security_opt: ["seccomp:unconfined", "apparmor:unconfined"]
    extra_hosts: ["host.docker.internal:host-gateway"]
    env_file: /etc/environment
    user: root
    volumes:
      - /:/host
      - ./:/app
      - ../..:/up
      - ~/.ssh:/keys
      - /var/run/docker.sock:/var/run/docker.sock
      - data:/data
      - ${HOME}:/home
      - {type: bind, source: /, target: /host}
    ports: ["0.0.0.0:5101:5000", "22:22"]
    environment: {DEBUG: "1"}
    deploy: {replicas: 100}
  db:
    image: postgres:16
    ports: ["5432:5432"]
    build: ../elsewhere
  remote:
    build: https://host.example/x.git
    image: "$(evil)"
networks: {default: {external: true}}
volumes: {data: {driver_opts: {type: none, o: bind, device: /}}}
secrets: {key: {file: /etc/shadow}}
"""


@pytest.mark.parametrize(
    ("ports", "published"),
    [
        ('["5101:5000"]', 5101),
        ('["127.0.0.1:5101:5000/tcp"]', 5101),
        ('["${PORT:-5101}:5000"]', 5101),
        ("[{target: 5000, published: 5101}]", 5101),
        ('[{target: 5000, published: "5101"}]', 5101),
        ('["5000"]', None),
        ("[5000]", None),
        ('["5000", "5101:1"]', 5101),
        ('["5000-5005:5000-5005"]', None),
        ('["$PORT:5000"]', None),
        ('["99999:5000"]', None),
        ('["0:5000"]', None),
        ("5101", None),
        ("{a: b}", None),
        ('["\u0665\u0661:5000"]', None),
    ],
)
def test_the_published_port(ports, published):
    document = parse_compose(f"services: {{backend: {{ports: {ports}}}}}".encode())
    assert published_ports(document) == Published(backend=published, frontend=None)


@pytest.mark.parametrize(
    ("model", "number", "ports"),
    [
        ("atlas-4", 1, Published(backend=5101, frontend=3101)),
        ("atlas-4", 4, Published(backend=5104, frontend=None)),
        ("birch-mini", 4, Published(backend=None, frontend=3204)),
        ("comet-large", 3, Published(backend=8303, frontend=3303)),
    ],
)
def test_the_sample_apps(model, number, ports):
    document = read_compose(PORTFOLIO / model / f"app{number}")
    assert document is not None
    assert published_ports(document) == ports


def test_a_service_is_known_by_its_folder():
    document = parse_compose(b"services: {x: {build: ./backend, ports: ['1:2']}, api: {ports: ['3:4']}}")
    assert backend_name(document) == "x"
    assert published_ports(document).backend == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB, "a YAML alias, which is not followed"),
        (b"services: !!python/object/apply:os.system ['false']", "could not determine a constructor"),
        (b"services: [", "cannot be read"),
        (b"[" * 20_000, "cannot be read"),
        (b"services: \xff", "cannot be read"),
        (b"just text", "has no services"),
        (b"services: [a]", "has no services"),
        (b"", "has no services"),
    ],
)
def test_what_cannot_be_read_is_told(content, said):
    with pytest.raises(ReportError, match=said):
        parse_compose(content)


def test_links_and_large_files_are_not_read(tmp_path):
    assert read_compose(tmp_path) is None
    (tmp_path / "docker-compose.yml").symlink_to("/etc/hostname")
    with pytest.raises(ReportError, match="is a link"):
        read_compose(tmp_path)
    (tmp_path / "docker-compose.yml").unlink()
    (tmp_path / "docker-compose.yml").write_bytes(b"services: {}\n#" + b"x" * (1 << 20))
    with pytest.raises(ReportError, match="is larger"):
        read_compose(tmp_path)


def test_variables_of_the_backend():
    def variables(text):
        return backend_environment(parse_compose(f"services: {{backend: {{environment: {text}}}}}".encode()))

    assert variables("{A: b, N: 1, E: , S: '${S:-set}', X: $HOME, 'B C': d}") == {
        "A": "b",
        "N": "1",
        "E": "",
        "S": "set",
    }
    assert variables(r'{HALF: "\ud800", ZERO: "a\0b", WHOLE: "\u00e9"}') == {"WHOLE": "\u00e9"}
    assert variables("[A=b=c, ONLY_A_NAME]") == {"A": "b=c"}
    assert variables("text") == {}


def test_a_rewritten_file_has_no_rights():
    rewritten = rewrite_compose(parse_compose(HOSTILE), {"backend": 40_000}, memory_mib=512)
    bounds = {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": "512m",
        "pids_limit": 256,
        "restart": "no",
    }
    assert rewritten["services"] == {
        "backend": {
            "image": "tidy/name:1",
            "command": ["flask", "run"],
            "environment": {"DEBUG": "1"},
            "build": {"context": "./backend", "dockerfile": "Dockerfile"},
            "volumes": ["data:/data"],
            "ports": ["127.0.0.1:40000:5000"],
            **bounds,
        },
        "db": {"image": "postgres:16", **bounds},
        "remote": bounds,
    }
    assert rewritten["volumes"] == {"data": {}}
    assert set(rewritten) == {"services", "volumes"}
    text = json.dumps(rewritten)
    for word in ("host", "privileged", "SYS_ADMIN", "unconfined", "docker.sock", "shadow", ".."):
        assert word not in text
