"""The command line: the same engine without a notebook."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.analyzers.option_schema import describe_options, read_assignments
from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.cli.arguments import BASE, add_gate, add_job, add_result_commands, add_store
from batchnb.doctor import doctor
from batchnb.records import JobStatus
from batchnb.records.errors import BatchnbError
from batchnb.results.history import history
from batchnb.tools import kit
from batchnb.tools.text import visible
from batchnb.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batchnb.job import Job
    from batchnb.workspace import Workspace

    Command = Callable[[argparse.Namespace], int]

EXIT_CODES = {JobStatus.COMPLETED: 0, JobStatus.CANCELLED: 130}
"""A job that failed or broke gives 1, a wrong value on the command line 2, the quality gate 3 or 4."""
_TICK_SECONDS = 0.2

_OF_RESULTS = frozenset({"jinja2", "numpy", "pandas", "plotly", "pyarrow", "scipy", "xlsxwriter"})
"""What the extra `results` brings; commands that look at results need it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except BatchnbError as error:
        print(f"batchnb: {visible(str(error))}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _OF_RESULTS:
            raise
        print(f"batchnb: {error.name} is not installed: pip install 'batchnb[results]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before there was a job, or after its end: nothing is left to cancel
        return 130


def _doctor(options: argparse.Namespace) -> int:
    del options
    found = doctor()
    print(found)
    return 1 if found.missing else 0


def _tools(options: argparse.Namespace) -> int:
    if options.action == "list":
        wanted = kit.choose(options.names or ["all"])
        print(f"in {kit.folder()}:")
        for status in kit.overview():
            if status.part not in wanted:
                continue
            part = status.part
            state = "installed" if status.path else f"not installed ({part.hint})"
            print(f"{part.name} {part.version}: {state}\n    {part.purpose}; {part.mib} MiB; {part.licence}")
        return 0
    outcomes = kit.install(options.names or None, progress=print)
    return 1 if any(outcome.state is kit.State.FAILED for outcome in outcomes) else 0


def _analyses(options: argparse.Namespace) -> int:
    del options
    registry = AnalyzerRegistry()
    for key in registry.keys:
        try:
            analyzer = registry[key]
        except BatchnbError as error:
            print(f"{key}: {error}")
            continue
        print(f"{key}: {analyzer.title} ({', '.join((*analyzer.tools, *analyzer.optional_tools))})")
        if analyzer.needs_running_app:
            print("  talks to the running app: starts it in a sandbox, unless an address is given")
        for option in describe_options(analyzer.options):
            bounds = ", ".join(part for part in (option.kind, option.allowed) if part)
            default = f"; by default {option.default}" if option.default else ""
            print(f"  {key}.{option.name}  ({bounds}{default})\n      {option.description}")
    return 1 if registry.broken else 0


def _run(options: argparse.Namespace) -> int:
    with _workspace(options) as workspace:
        job = workspace.run(
            models=options.models,
            apps=options.apps,
            analyses=options.analyses,
            options=read_assignments(options.option, "--option"),
            name=options.name,
            task_timeout_seconds=options.timeout,
        )
        return _follow(job, options)


def _resume(options: argparse.Namespace) -> int:
    with _workspace(options) as workspace:
        return _follow(workspace.resume(options.job, retry=options.retry), options)


def _list(options: argparse.Namespace) -> int:
    with _workspace(options) as workspace:
        for record in workspace.storage.get_jobs():
            print(repr(workspace.attach(record.id)).strip("<>"))
    return 0


def _cancel(options: argparse.Namespace) -> int:
    with _workspace(options) as workspace:
        job = workspace.attach(options.job)
        if job.cancel():
            job.wait()
        print(repr(job).strip("<>"))
        return 0 if job.status is JobStatus.CANCELLED else 1


def _log(options: argparse.Namespace) -> int:
    with _workspace(options) as workspace:
        job = workspace.attach(options.job).record
        storage = workspace.storage
        for line in history(job, storage.get_tasks(job.id), storage.get_log(job.id)):
            task = f" [Task {line.task_id}]" if line.task_id else ""
            text = visible(line.message, one_line=True)
            print(f"{line.time:%Y-%m-%d %H:%M:%S} {line.level} [Job {job.id}]{task} {text}")
    return 0


def _delete(options: argparse.Namespace) -> int:
    with _workspace(options) as workspace:
        workspace.storage.delete_job(workspace.attach(options.job).id)
    print(f"job {options.job} is deleted")
    return 0


def _results(options: argparse.Namespace) -> int:
    from batchnb.cli.results import COMMANDS  # noqa: PLC0415 - pandas only when asked for, as below

    with _workspace(options) as workspace:
        answer = COMMANDS[options.verb](workspace, options)
    print(visible(answer.text))
    return answer.code


def _workspace(options: argparse.Namespace) -> Workspace:
    return open_workspace(options.base, store=options.store)


def _follow(job: Job, options: argparse.Namespace) -> int:
    """Show a job's progress until it ends; the first Ctrl-C cancels it."""
    try:
        _show_progress(job)
    except KeyboardInterrupt:
        print("\ncancelling ...", file=sys.stderr)
        job.cancel()
        job.wait()
    print(repr(job).strip("<>"))
    for error in job.record.errors:
        print(visible(f"  {error.category.value}: {error.message}"))
    if options.report is not None:
        print(f"report: {visible(str(job.report(options.report)))}")
    code = EXIT_CODES.get(job.status, 1)
    if options.fail_on is None or job.status is JobStatus.CANCELLED:
        return code
    from batchnb.cli.gate import FOUND, gate  # noqa: PLC0415

    judged, why = gate(job, options.fail_on)
    print(why)
    return judged if judged == FOUND or code == 0 else code


def _show_progress(job: Job) -> None:
    """Write one line that is written over, on a terminal only."""
    shown = ""
    while not job.is_ended:
        record = job.record
        line = f"{record.status.value}: {record.completed_tasks} of {record.total_tasks} tasks"
        if sys.stderr.isatty() and line != shown:
            print(f"\r{line.ljust(len(shown))}", end="", file=sys.stderr, flush=True)
            shown = line
        time.sleep(_TICK_SECONDS)
    if shown:
        print(f"\r{' ' * len(shown)}\r", end="", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="batchnb", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command", dest="verb")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    add("doctor", _doctor, "say what is installed and what is missing")
    tools = add("tools", _tools, "list or install what does not come with pip, into a folder of its own")
    tools.add_argument("action", nargs="?", choices=["list", "install"], default="list")
    tools.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="by default all to list, what is needed to install",
    )
    add("analyses", _analyses, "list the analyses and their options")
    run = add("run", _run, "run a job and wait for its end; Ctrl-C cancels it")
    run.add_argument("base", nargs="?", help=BASE)
    run.add_argument("--models", nargs="+", metavar="MODEL", help="by default all")
    run.add_argument("--apps", metavar="RANGE", help="such as 1-3,5; by default all")
    run.add_argument(
        "--analyses", nargs="+", metavar="ANALYSIS", help="by default those that only read the apps"
    )
    run.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="ANALYSIS.OPTION=VALUE",
        help="such as performance.users=20; `batchnb analyses` lists them",
    )
    run.add_argument("--name", default="", help="of the job")
    run.add_argument("--timeout", type=int, metavar="SECONDS", help="longest time for one task")
    listing = add("list", _list, "list the jobs of a store")
    listing.add_argument("base", nargs="?", help=BASE)
    cancel = add("cancel", _cancel, "cancel a job, also one that a notebook runs")
    resume = add("resume", _resume, "go on where an ended job stopped; Ctrl-C cancels")
    resume.add_argument("--retry", action="store_true", help="also run again what failed or lacked a tool")
    log = add("log", _log, "say what happened to a job, by time")
    delete = add("delete", _delete, "delete an ended job with all its results; decisions stay")
    for command in (cancel, resume, log, delete):
        add_job(command)
    for command in (run, listing):
        add_store(command)
    for command in (run, resume):
        command.add_argument("--report", type=Path, metavar="FILE", help="write the HTML report at the end")
        add_gate(command)
    add_result_commands(lambda name, text: add(name, _results, text))
    return parser


if __name__ == "__main__":
    sys.exit(main())
