"""Where the ports of an app come from, in order."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from launching import PORTFOLIO, make_app

from batchnb.records.errors import InvalidValueError
from batchnb.tools.launch import PortManager, PortRule


def test_the_compose_file():
    ports = PortManager(PORTFOLIO)
    assert ports.get_app_ports("comet-large", 3) == {
        "backend": 8303,
        "frontend": 3303,
        "source": "compose file",
    }
    assert ports.known() == {8303, 3303}


def test_a_table_counts_before_all_else(tmp_path):
    table = {"atlas-4": {"1": 6001, 2: {"backend": 6002, "frontend": 6003}}}
    file = tmp_path / "ports.json"
    file.write_text(json.dumps(table), encoding="utf-8")
    for given in (table, file):
        ports = PortManager(PORTFOLIO, table=given, rule=PortRule(backend=7000, frontend=8000))
        assert ports.get_app_ports("atlas-4", 1) == {
            "backend": 6001,
            "frontend": None,
            "source": "port table",
        }
        assert ports.get_app_ports("atlas-4", 2)["frontend"] == 6003
        assert ports.get_app_ports("birch-mini", 3) == {
            "backend": 7103,
            "frontend": 8103,
            "source": "port rule",
        }


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([], r"write \{"),
        ({"m": 5}, "5"),
        ({"m": {"x": 5}}, "app number 'x'"),
        ({"m": {"1": 0}}, "1 to 65535"),
        ({"m": {"1": 70_000}}, "1 to 65535"),
        ({"m": {"1": True}}, "1 to 65535"),
        ({"m": {"1": "5101"}}, "1 to 65535"),
        ({"m": {"1": {"frontend": 5}}}, "backend"),
        ({"m": {"1": {"backend": 5, "other": 6}}}, "backend"),
        ({"m": {"1": {"backend": 5, "frontend": -1}}}, "1 to 65535"),
    ],
)
def test_a_wrong_table_is_told(table, said, tmp_path):
    with pytest.raises(InvalidValueError, match=said):
        PortManager(tmp_path, table=table or [1])


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000])
def test_an_unreadable_table_is_told(content, tmp_path):
    file = tmp_path / "ports.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidValueError, match="cannot be read"):
        PortManager(tmp_path, table=file)
    with pytest.raises(InvalidValueError, match="cannot be read"):
        PortManager(tmp_path, table=tmp_path / "missing.json")


def test_a_rule_that_leaves_the_range_is_told():
    ports = PortManager(PORTFOLIO, rule=PortRule(backend=65_000, per_model=1000))
    with pytest.raises(InvalidValueError, match="1 to 65535"):
        ports.app_ports("comet-large", 1)
    with pytest.raises(InvalidValueError, match="nobody"):
        ports.app_ports("nobody", 1)


def test_else_a_free_port_that_stays(tmp_path):
    make_app(tmp_path, {"backend/app.py": ""})
    make_app(tmp_path, {"docker-compose.yml": "services: {x: &a {}, y: *a}"}, app_num=2)
    ports = PortManager(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        given = set(pool.map(lambda _: ports.app_ports("m", 1), range(8)))
    (one,) = given
    assert one.source == "free port"
    with socket.create_server(("127.0.0.1", one.backend)):
        pass
    assert "alias" in ports.app_ports("m", 2).note
    assert ports.app_ports("m", 3).source == "free port"
