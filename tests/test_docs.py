"""The docs: what they show runs, what they name is there, and their links lead somewhere."""

from __future__ import annotations

import ast
import re
import shlex
from importlib import import_module

import pytest
from stores import add_job
from support import REPOSITORY, coverage, finding, make_apps

import batchnb
from batchnb import cli
from batchnb.engine.storage import JobStorage
from batchnb.records import AnalysisReport, Severity

PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").glob("*.md"))]
NAMES = [page.relative_to(REPOSITORY).as_posix() for page in PAGES]
RULES = (("bandit", "B602", 78), ("ruff", "S602", 78), ("bandit", "B104", 605), ("bandit", "B608", 89))
MODELS = ("atlas-4", "birch-mini")
RUN = {"README.md": "findings = job.findings.batchnb", "docs/results.md": ""}
"""Pages whose Python is run: the blocks that have this text in them."""


def blocks(name, language):
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def reports(rules):
    """Return what two tools report about three apps of two models."""
    told = {}
    for app in ((model, number) for model in MODELS for number in (1, 2, 3)):
        cell = {"model": app[0], "app_num": app[1]}
        found = [
            finding(**cell, tool=tool, rule=rule, cwe=cwe, line=2, severity=Severity.HIGH)
            for tool, rule, cwe in rules
        ]
        seen = [coverage(**cell, tool=tool) for tool in ("bandit", "ruff")]
        told[app] = AnalysisReport(issues=tuple(found), coverage=tuple(seen))
    return told


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the blocks take for granted: two jobs of a workspace, and a bundle in the folder they run in."""
    monkeypatch.chdir(tmp_path)
    base = make_apps(tmp_path / "apps", dict.fromkeys(MODELS, (1, 2, 3)))
    storage = JobStorage(tmp_path / "store.db")
    ids = [add_job(storage, reports(RULES[:2])), add_job(storage, reports(RULES))]
    storage.close()
    with batchnb.open(base, store=tmp_path / "store.db") as ws:
        earlier, job = map(ws.attach, ids)
        job.export("job.batchnb")
        yield {"bn": batchnb, "ws": ws, "job": job, "earlier": earlier, "print": lambda *_: None}


@pytest.mark.parametrize("name", RUN)
def test_what_is_shown_about_results_runs(name, names):
    ran = [block for block in blocks(name, "python") if RUN[name] in block]

    assert ran
    for block in ran:
        exec(compile(block, name, "exec"), names)
    assert {path.suffix for path in names["job"].export("end.csv").parent.glob("*.*")} >= {".sarif", ".xlsx"}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_is_python_and_the_public_names_exist(name):
    for block in blocks(name, "python"):
        compile(block, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        assert set(re.findall(r"\bbn\.(\w+)", block)) <= set(batchnb.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_line_is_one(name):
    lines = [line for block in blocks(name, "console") for line in block.splitlines()]
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[:2] == ["$", "batchnb"]:
            assert cli._parser().parse_args(words[2:]).verb == words[2]


@pytest.mark.parametrize("name", NAMES)
def test_every_link_into_the_repository_leads_somewhere(name):
    page = REPOSITORY / name
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            made = [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads]
            assert anchor in made, link


@pytest.mark.parametrize("name", NAMES)
def test_files_and_modules_that_are_named_are_there(name):
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    for path in re.findall(r"\b(?:tests|docs|scripts|examples|notebooks)/[\w/.-]+\w", text):
        assert (REPOSITORY / path).exists() or list(REPOSITORY.glob(f"{path}.py")), path
    for dotted in re.findall(r"\bbatchnb\.results\.[\w.]+\w", text):
        module, rest = dotted, ""
        while module and not any(
            (REPOSITORY / f"{module.replace('.', '/')}{end}").exists() for end in (".py", "/__init__.py")
        ):
            module, _, rest = module.rpartition(".")
        assert module != "batchnb.results", dotted
        assert not rest or hasattr(import_module(module), rest.split(".")[0]), dotted
