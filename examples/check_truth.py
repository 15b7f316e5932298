#!/usr/bin/env python3
"""Check ``truth.json`` against the sample portfolio.

Without options only the files are compared: every app is listed, every line exists, every Python and JSON
file parses unless it is listed as one that does not. With ``--tools PYTHON`` bandit and ruff of that
interpreter are run on a copy of the portfolio, and every finding of theirs must be accounted for: in a
fault's ``seen_by`` or as noise. The rows of the other tools are compared by batchnb's own tests.

Exit status: 0 if everything agrees, 1 otherwise (the differences are printed).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
PORTFOLIO = HERE / "portfolio"
TRUTH = HERE / "truth.json"

KINDS = {"clean", "faulty", "placeholder", "broken", "partial"}
SIDES = ("backend", "frontend")
MIN_CWES = 12
TOOL_TIMEOUT = 120
RUN_HERE = ("bandit", "ruff")


class Row(NamedTuple):
    """One finding of one tool; the path is relative to the portfolio."""

    path: str
    line: int
    tool: str
    rule: str


def load(path: Path = TRUTH) -> dict[str, Any]:
    """Read the truth file."""
    truth: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return truth


def app_path(entry: dict[str, Any]) -> str:
    """Portfolio-relative folder of an app, a fault's app or a noise row."""
    return f"{entry['model']}/app{entry['app']}"


# ------------------------------------------------------------------------------------------ files
def check_files(truth: dict[str, Any], root: Path = PORTFOLIO) -> list[str]:
    """Compare the truth file with the files alone; one sentence per disagreement."""
    problems = []
    if truth.get("version") != 2:
        problems.append(f"version is {truth.get('version')!r}, not 2")
    listed = [app_path(app) for app in truth["apps"]]
    present = sorted(path.relative_to(root).as_posix() for path in root.glob("*/app*") if path.is_dir())
    if sorted(listed) != present:
        problems.append(f"apps listed and present differ: {sorted(set(listed) ^ set(present))}")
    for app in truth["apps"]:
        if (root / app_path(app)).is_dir():
            problems += [f"{app_path(app)}: {text}" for text in _check_app(app, root / app_path(app))]
    ids = [fault["id"] for app in truth["apps"] for fault in app["faults"]]
    problems += [f"fault id {name} is used twice" for name in sorted({i for i in ids if ids.count(i) > 1})]
    cwes = {fault["cwe"] for app in truth["apps"] for fault in app["faults"]}
    if len(cwes) < MIN_CWES:
        problems.append(f"only {len(cwes)} different CWEs, {MIN_CWES} are wanted")
    for twin in truth["twins"]:
        if twin["fault"] not in ids:
            problems.append(f"twin of an unknown fault {twin['fault']}")
        problems += [f"twin of {twin['fault']}: {text}" for text in _check_line(twin, root / app_path(twin))]
    for row in (*truth["noise"], *truth["elsewhere"]):
        problems += [f"noise in {app_path(row)}: {text}" for text in _check_line(row, root / app_path(row))]
    return problems


def _check_app(app: dict[str, Any], folder: Path) -> list[str]:
    problems = []
    if app["kind"] not in KINDS:
        problems.append(f"unknown kind {app['kind']!r}")
    if (app["kind"] == "broken") != bool(app["unparsed"]) and app["kind"] != "partial":
        problems.append(f"kind {app['kind']!r} does not go with unparsed {app['unparsed']}")
    if app["kind"] == "clean" and app["faults"]:
        problems.append("a clean app has faults")
    problems += [
        f"{side} is {app[side]}, the folder says otherwise"
        for side in SIDES
        if app[side] != (folder / side).is_dir()
    ]
    problems += _check_unparsed(app, folder)
    if app["port_compose"] != compose_port(folder):
        problems.append(f"port_compose is {app['port_compose']}, the compose file has {compose_port(folder)}")
    for fault in app["faults"]:
        if fault["side"] not in SIDES or not fault["file"].startswith(f"{fault['side']}/"):
            problems.append(f"{fault['id']}: file {fault['file']} is not on side {fault['side']}")
        if fault["file"] in app["unparsed"]:
            problems.append(f"{fault['id']}: {fault['file']} does not parse")
        problems += [f"{fault['id']}: {text}" for text in _check_line(fault, folder)]
    return problems


def _check_unparsed(app: dict[str, Any], folder: Path) -> list[str]:
    missing = [name for name in app["unparsed"] if not (folder / name).is_file()]
    problems = [f"unparsed file {name} is missing" for name in missing]
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.json")]):
        if "node_modules" in path.parts:
            continue
        name = path.relative_to(folder).as_posix()
        readable = parses(path)
        if readable == (name in app["unparsed"]):
            problems.append(f"{name} {'parses' if readable else 'does not parse'}, unparsed says otherwise")
    return problems


def _check_line(entry: dict[str, Any], folder: Path) -> list[str]:
    path = folder / entry["file"]
    if not path.is_file():
        return [f"{entry['file']} is missing"]
    lines = path.read_text(encoding="utf-8").splitlines()
    if not 1 <= entry["line"] <= len(lines) or not lines[entry["line"] - 1].strip():
        return [f"{entry['file']} has no code on line {entry['line']}"]
    return []


def parses(path: Path) -> bool:
    """Whether a Python or JSON file can be read."""
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix == ".json":
            json.loads(text)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def compose_port(folder: Path) -> int | None:
    """The host port of the backend in the compose file (all our compose files have one simple shape)."""
    path = folder / "docker-compose.yml"
    if not path.is_file():
        return None
    part = re.search(r"^  backend:\n((?:    .*\n|\n)*)", path.read_text(encoding="utf-8"), re.MULTILINE)
    port = re.search(r'- "(\d+):\d+"', part[1]) if part else None
    return int(port[1]) if port else None


# ------------------------------------------------------------------------------------------ tools
def expected_rows(truth: dict[str, Any]) -> set[Row]:
    """Every finding that the truth file accounts for."""
    others = (*truth["noise"], *truth["elsewhere"])
    rows = {Row(f"{app_path(n)}/{n['file']}", n["line"], n["tool"], n["rule"]) for n in others}
    for app in truth["apps"]:
        for fault in app["faults"]:
            for tool, rules in fault["seen_by"].items():
                rows |= {Row(f"{app_path(app)}/{fault['file']}", fault["line"], tool, rule) for rule in rules}
    return rows


def run_tools(python: str, root: Path = PORTFOLIO) -> tuple[set[Row], dict[str, set[str]]]:
    """Run bandit and ruff on a copy: their findings, and per tool the files it could not read."""
    with tempfile.TemporaryDirectory(prefix="portfolio-") as name:
        copy, empty = Path(name) / "copy", Path(name) / "empty"
        empty.mkdir()
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns("node_modules", "__pycache__", "data"))
        base = [python, "-I", "-m"]
        bandit = ["bandit", "-q", "-r", str(copy), "-f", "json", "--ignore-nosec", "--ini", os.devnull]
        ruff = ["ruff", "check", str(copy), "--select", "S", "--output-format", "json", "--isolated"]
        ruff += ["--no-cache", "--no-respect-gitignore", "--ignore-noqa", "--exit-zero"]
        ruff += ["--target-version", "py311"]
        bandit_report = _run_json([*base, *bandit], empty)
        ruff_report = _run_json([*base, *ruff], empty)
        # a tool may answer with the path as given or with its symbolic links resolved
        roots = [copy, copy.resolve()]

    def relative(path: str) -> str:
        base = next(base for base in roots if Path(path).is_relative_to(base))
        return Path(path).relative_to(base).as_posix()

    rows = set()
    unread: dict[str, set[str]] = {"bandit": set(), "ruff": set()}
    for found in bandit_report["results"]:
        rows.add(Row(relative(found["filename"]), found["line_number"], "bandit", found["test_id"]))
    for error in bandit_report["errors"]:
        unread["bandit"].add(relative(error["filename"]))
    for found in ruff_report:
        if found["code"] in {None, "invalid-syntax"}:
            unread["ruff"].add(relative(found["filename"]))
        else:
            rows.add(Row(relative(found["filename"]), found["location"]["row"], "ruff", found["code"]))
    return rows, unread


def _run_json(command: list[str], cwd: Path) -> Any:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=TOOL_TIMEOUT, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError as exc:
        message = f"{command[3]} gave no report (exit code {done.returncode}): {done.stderr}"
        raise RuntimeError(message) from exc


def check_tools(truth: dict[str, Any], python: str, root: Path = PORTFOLIO) -> list[str]:
    """Compare what the tools report now with what the truth file says; one sentence per disagreement."""
    rows, unread = run_tools(python, root)
    expected = {row for row in expected_rows(truth) if row.tool in RUN_HERE}
    problems = []
    for row in sorted(rows ^ expected):
        sign, reason = ("+", "not in the truth file") if row in rows else ("-", "not reported")
        problems.append(f"{sign} {row.path}:{row.line} {row.tool} {row.rule} ({reason})")
    unparsed = [f"{app_path(app)}/{name}" for app in truth["apps"] for name in app["unparsed"]]
    broken = {name for name in unparsed if name.endswith(".py")}
    problems += [
        f"{tool} could not read {sorted(files)}, the truth file says {sorted(broken)}"
        for tool, files in unread.items()
        if files != broken
    ]
    return problems


# ------------------------------------------------------------------------------------------- main
def summary(truth: dict[str, Any]) -> str:
    """The counts that the README and a reader want."""
    faults = [fault for app in truth["apps"] for fault in app["faults"]]
    lines = []
    for side in SIDES:
        here = [fault for fault in faults if fault["side"] == side]
        lines.append(f"{side}: {len(here)} faults, {len({fault['cwe'] for fault in here})} CWEs")
    for tool in sorted({tool for fault in faults for tool in fault["seen_by"]}):
        seen = sum(1 for fault in faults if fault["seen_by"].get(tool))
        noise = sum(1 for row in truth["noise"] if row["tool"] == tool)
        lines.append(f"{tool}: sees {seen} faults, {noise} noise rows")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run the checks, print the differences and return the exit status."""
    parser = argparse.ArgumentParser(description="Check truth.json against the sample portfolio.")
    parser.add_argument("--tools", metavar="PYTHON", help="interpreter whose bandit and ruff are compared")
    options = parser.parse_args(argv)
    truth = load()
    problems = check_files(truth)
    if options.tools:
        problems += check_tools(truth, options.tools)
    last = f"{len(problems)} differences" if problems else summary(truth)
    sys.stdout.write("\n".join([*problems, last]) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
