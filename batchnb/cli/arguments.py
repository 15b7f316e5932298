"""Arguments of the command line: those that many commands share, and the commands that read results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records import Severity, Verdict

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    Add = Callable[[str, str], ArgumentParser]

BASE = "folder with <model>/app<N>; by default $APP_BASE_PATH"


def add_job(command: ArgumentParser) -> None:
    """Let a command take a job's number, and the place where the job is."""
    command.add_argument("job", type=int, help="the job's number")
    add_place(command)


def add_place(command: ArgumentParser) -> None:
    """Let a command take the portfolio and the store as options."""
    command.add_argument("--base", help=BASE)
    add_store(command)


def add_store(command: ArgumentParser) -> None:
    """Let a command take the store as an option."""
    command.add_argument("--store", help="the store's file; by default <base>/.batchnb/store.db")


def add_gate(command: ArgumentParser) -> None:
    """Let a command end with another exit code if the findings, or what is unknown, do not suffice."""
    command.add_argument(
        "--fail-on",
        choices=[str(level) for level in Severity],
        help="exit with 3 if a finding of this severity or worse is open (triage settles some), with 4 "
        "if none is, but something was not measured completely",
    )


def add_result_commands(add: Add) -> None:
    """Add the commands that read what jobs found, and those that decide about it.

    Args:
        add: name and help text -> a parser that is in place.
    """
    export = add("export", "write a job's data for another program")
    add_job(export)
    export.add_argument(
        "file", type=Path, help="ending with .csv, .xlsx, .parquet, .jsonl, .sarif or .batchnb"
    )
    export.add_argument(
        "--frame",
        default="findings",
        help="which one, for .csv, .parquet and .jsonl: findings (the default), coverage, measurements, ...",
    )
    report = add("report", "write a job's HTML report")
    add_job(report)
    report.add_argument("file", type=Path, nargs="?", help="where to; by default batchnb-job-<N>.html here")
    report.add_argument("--baseline", type=int, metavar="JOB", help="an earlier job to compare with")
    add_gate(report)
    compare = add("compare", "say what is new, fixed, unchanged or not re-measured from one job to another")
    compare.add_argument("before", type=int, metavar="JOB", help="the earlier job")
    compare.add_argument("after", type=int, metavar="JOB", help="the later job")
    compare.add_argument(
        "--earlier",
        type=int,
        nargs="+",
        default=[],
        metavar="JOB",
        help="jobs before both: what is new and was in one of them is reopened",
    )
    add_place(compare)
    models = add("models", "compare the models of a job, app number by app number")
    add_job(models)
    models.add_argument(
        "--without-rule",
        action="append",
        default=[],
        metavar="RULE",
        help="a rule that does not count, such as B104 or bandit:B104",
    )
    models.add_argument(
        "--use-partly", action="store_true", help="also use apps that were measured in part: lower bounds"
    )
    summary = add("summary", "print a summary in Markdown")
    add_job(summary)
    summary.add_argument("--latex", action="store_true", help="tables for a paper (booktabs) instead")
    _add_triage(add)


def _add_triage(add: Add) -> None:
    add_job(add("triage", "list the open consensus findings of a job, and all decisions"))
    decide = add("decide", "note what you make of findings; it holds for later jobs as well")
    add_job(decide)
    decide.add_argument(
        "--finding",
        type=int,
        nargs="+",
        required=True,
        metavar="NUMBER",
        help="of the consensus finding, from `batchnb triage`",
    )
    decide.add_argument("--verdict", required=True, choices=[str(verdict) for verdict in Verdict])
    decide.add_argument("--reason", required=True, help="why")
    decide.add_argument("--expires", metavar="DATE", help="such as 2027-01-01; by default it has no end")
    withdraw = add("withdraw", "take a decision back; it stays on record as withdrawn")
    withdraw.add_argument("decision", type=int, help="its number, from `batchnb triage`")
    withdraw.add_argument("--reason", required=True, help="why")
    add_place(withdraw)
    for command in (decide, withdraw):
        command.add_argument("--author", help="who decides; by default the user of this computer")
