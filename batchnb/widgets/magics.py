"""`%load_ext batchnb`: the line magic `%batchnb`, a thin layer over the plain functions."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.magic import Magics, line_magic, magics_class

from batchnb.records.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

WORDS = ("attach", "cancel", "dashboard", "doctor", "jobs", "open", "panel", "resume", "run")
_SOURCE = "%batchnb"


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the kernel."""

    def error(self, message: str) -> NoReturn:
        raise InvalidValueError(
            _SOURCE, message, f"try one of {', '.join(WORDS)}; {self.format_usage().strip()}"
        )


@magics_class
class BatchnbMagics(Magics):
    """What is opened stays open in the shell as `ws`, and a job that is started as `job`."""

    def __init__(
        self, shell: InteractiveShell, host: Callable[[str], Any], doctor: Callable[[], Any]
    ) -> None:
        """Make the magics.

        Args:
            shell: where the names are put.
            host: opens a workspace.
            doctor: looks what is installed.
        """
        super().__init__(shell)
        self._names = shell.user_ns
        self._open_host, self._doctor = host, doctor

    @line_magic
    def batchnb(self, line: str) -> Any:
        """Use batchnb in one line.

        %batchnb open apps                       opens the workspace and calls it ws
        %batchnb run --models a,b --apps 1-3     starts a job, shows it, and calls it job
        %batchnb jobs | attach N | cancel N | resume N
        %batchnb panel | dashboard | doctor
        """
        asked = _parser().parse_args(shlex.split(line))
        return getattr(self, f"_do_{asked.do}")(asked)

    @property
    def _ws(self) -> Any:
        found = self._names.get("ws")
        if not hasattr(found, "attach"):
            raise InvalidValueError("ws", found, "first `%batchnb open FOLDER`", _SOURCE)
        return found

    def _keep(self, name: str, value: Any) -> Any:
        self._names[name] = value
        return value

    def _do_open(self, asked: argparse.Namespace) -> Any:
        return self._keep("ws", self._open_host(asked.folder))

    def _do_run(self, asked: argparse.Namespace) -> Any:
        job = self._ws.run(models=asked.models, apps=asked.apps, analyses=asked.analyses, name=asked.name)
        return self._keep("job", job)

    def _do_attach(self, asked: argparse.Namespace) -> Any:
        return self._keep("job", self._ws.attach(asked.job))

    def _do_resume(self, asked: argparse.Namespace) -> Any:
        return self._keep("job", self._ws.resume(asked.job, retry=True))

    def _do_cancel(self, asked: argparse.Namespace) -> bool:
        return bool(self._ws.attach(asked.job).cancel())

    def _do_jobs(self, _: argparse.Namespace) -> Any:
        return self._ws.jobs

    def _do_panel(self, _: argparse.Namespace) -> Any:
        from batchnb.widgets.batch_panel import BatchPanel  # noqa: PLC0415 - only when it is asked for

        return BatchPanel(self._ws)

    def _do_dashboard(self, _: argparse.Namespace) -> Any:
        from batchnb.widgets.dashboard import Dashboard  # noqa: PLC0415 - as above

        return Dashboard(self._ws)

    def _do_doctor(self, _: argparse.Namespace) -> Any:
        return self._doctor()


def complete(shell: Any, event: Any) -> list[str]:
    """Return what may follow on a line that begins with the magic: a word, a model, an analysis, a job."""
    before = event.line[: len(event.line) - len(event.symbol)].split()
    if len(before) <= 1:
        return list(WORDS)
    ws = shell.user_ns.get("ws")
    if not hasattr(ws, "attach"):
        return []
    if before[1] in {"attach", "cancel", "resume"}:
        return [str(number) for number in ws.jobs["job_id"]]
    if before[-1] == "--models":
        return list(ws.portfolio.models)
    if before[-1] == "--analyses":
        return list(ws.registry.keys)
    return ["--models", "--apps", "--analyses", "--name"] if before[1] == "run" else []


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=_SOURCE, add_help=False)
    words = parser.add_subparsers(dest="do", required=True, parser_class=_Parser)
    words.add_parser("open").add_argument("folder")
    run = words.add_parser("run")
    run.add_argument("--models", type=_names)
    run.add_argument("--apps")
    run.add_argument("--analyses", type=_names)
    run.add_argument("--name", default="")
    for word in ("attach", "cancel", "resume"):
        words.add_parser(word).add_argument("job", type=int)
    for word in ("jobs", "panel", "dashboard", "doctor"):
        words.add_parser(word)
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
