"""`%batchnb` in a real IPython shell."""

from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from support import make_apps
from traitlets.config import Config

import batchnb
from batchnb.records.errors import InvalidValueError
from batchnb.widgets.magics import WORDS


@pytest.fixture(scope="module")
def only_shell():
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell(config=config)
    batchnb.load_ipython_extension(made)
    return made


@pytest.fixture(name="shell")
def _shell(only_shell):
    yield only_shell
    ws = only_shell.user_ns.pop("ws", None)
    only_shell.user_ns.pop("job", None)
    if ws is not None:
        ws.close()


@pytest.fixture(name="base")
def _base(tmp_path):
    make_apps(tmp_path / "apps", {"atlas": [1, 2], "birch": [1]})
    return tmp_path / "apps"


def do(shell, line):
    return shell.run_line_magic("batchnb", line)


@pytest.mark.tool
def test_from_opening_to_a_job(shell, base):
    ws = do(shell, f"open '{base}'")
    assert shell.user_ns["ws"] is ws
    job = do(shell, "run --models atlas --apps 1-2 --analyses backend_security --name nightly").wait()
    assert shell.user_ns["job"] is job
    assert (job.record.name, job.record.total_tasks) == ("nightly", 2)
    assert list(do(shell, "jobs")["job_id"]) == [job.id]
    assert do(shell, f"attach {job.id}").id == job.id
    assert do(shell, f"cancel {job.id}") is False


@pytest.mark.parametrize("line", ["", "fly", "attach x", "attach", "run --speed 3", "open"])
def test_a_wrong_line_is_an_error_and_the_kernel_lives(shell, line):
    with pytest.raises(InvalidValueError, match="try one of"):
        do(shell, line)


def test_without_a_workspace_the_way_to_one_is_told(shell):
    with pytest.raises(InvalidValueError, match="%batchnb open"):
        do(shell, "jobs")


def test_completion_offers_words_models_and_jobs(shell, base):
    def offered(line):
        with provisionalcompleter():  # as the kernel asks
            return {found.text.strip() for found in shell.Completer.completions(line, len(line))}

    assert offered("%batchnb ") >= set(WORDS)
    do(shell, f"open '{base}'")
    assert offered("%batchnb run --models ") >= {"atlas", "birch"}
    assert "backend_security" in offered("%batchnb run --analyses ")
