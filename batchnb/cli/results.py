"""The commands that read what jobs found, and those that decide about it: each returns what to print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from batchnb.cli.gate import gate
from batchnb.records.errors import InvalidValueError
from batchnb.results.decisions.triage import open_consensus
from batchnb.results.exports.latex import latex_tables
from batchnb.results.exports.markdown import markdown_summary
from batchnb.results.identity.compare import compare
from batchnb.results.models.comparison import compare_models
from batchnb.results.text import plural, shorten
from batchnb.tools.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from batchnb.workspace import Workspace

_MESSAGE = 160


class Answer(NamedTuple):
    """What a command prints, and the exit code that it gives. The text may quote what is untrusted."""

    text: str
    code: int = 0


def _export(workspace: Workspace, options: argparse.Namespace) -> Answer:
    return Answer(str(workspace.attach(options.job).export(options.file, frame=options.frame)))


def _report(workspace: Workspace, options: argparse.Namespace) -> Answer:
    job = workspace.attach(options.job)
    baseline = None if options.baseline is None else workspace.attach(options.baseline)
    path = job.report(options.file or Path(f"batchnb-job-{job.id}.html"), baseline=baseline)
    if options.fail_on is None:
        return Answer(str(path))
    code, why = gate(job, options.fail_on)
    return Answer(f"{path}\n{why}", code)


def _compare(workspace: Workspace, options: argparse.Namespace) -> Answer:
    earlier = [workspace.attach(number) for number in options.earlier]
    comparison = compare(workspace.attach(options.before), workspace.attach(options.after), earlier=earlier)
    return Answer(f"{_table(comparison.counts)}\n\n{comparison.text}")


def _models(workspace: Workspace, options: argparse.Namespace) -> Answer:
    job, rules = workspace.attach(options.job), options.without_rule
    return Answer(compare_models(job, without_rules=rules, use_partly=options.use_partly).text)


def _summary(workspace: Workspace, options: argparse.Namespace) -> Answer:
    job = workspace.attach(options.job)
    text = "\n".join(latex_tables(job).values()) if options.latex else markdown_summary(job)
    return Answer(text.rstrip("\n"))


def _triage(workspace: Workspace, options: argparse.Namespace) -> Answer:
    triage = workspace.attach(options.job).triage
    faults = [_fault(row) for row in open_consensus(triage).to_dict("records")]
    decisions = [_decision(row) for row in triage.decisions.to_dict("records")]
    return Answer("\n".join([*faults, *decisions, triage.text]))


def _decide(workspace: Workspace, options: argparse.Namespace) -> Answer:
    job = workspace.attach(options.job)
    if not job.is_ended:  # the numbers are places in a list that grows
        raise InvalidValueError("job", job.id, f"it is {job.status.value}; decide when it has ended")
    faults = job.consensus
    for number in options.finding:
        if number not in set(faults["consensus_id"]):
            known = f"1 to {len(faults)}" if len(faults) else "none, as the job has no findings"
            raise InvalidValueError("finding", number, f"job {job.id} has {known}", "--finding")
    made = workspace.decide(
        faults[faults["consensus_id"].isin(options.finding)],
        options.verdict,
        reason=options.reason,
        author=options.author,
        expires=options.expires,
    )
    return Answer("\n".join(_decision(row) for row in made.to_dict("records")))


def _withdraw(workspace: Workspace, options: argparse.Namespace) -> Answer:
    workspace.withdraw(options.decision, reason=options.reason, author=options.author)
    return Answer(f"decision {options.decision} is withdrawn")


COMMANDS: Mapping[str, Callable[[Workspace, argparse.Namespace], Answer]] = {
    "export": _export,
    "report": _report,
    "compare": _compare,
    "models": _models,
    "summary": _summary,
    "triage": _triage,
    "decide": _decide,
    "withdraw": _withdraw,
}
"""Name of a command -> what does it."""


def _fault(row: dict[Any, Any]) -> str:
    place = row["path"] if pd.isna(row["line"]) else f"{row['path']}:{row['line']}"
    verdict = "" if pd.isna(row["verdict"]) else f" ({row['verdict']} by decision {row['decision_id']})"
    text = (
        f"{row['consensus_id']} {row['severity']} {row['model']} app {row['app_num']} {place}"
        f" [{row['rules']}]{verdict}: {shorten(row['message'], _MESSAGE)}"
    )
    return visible(text, one_line=True)


def _decision(row: dict[Any, Any]) -> str:
    end = "" if pd.isna(row["expires_at"]) else f" until {row['expires_at']:%Y-%m-%d}"
    held = "" if pd.isna(row["faults"]) else f", holds for {plural(row['faults'], 'consensus finding')}"
    text = (
        f"decision {row['decision_id']}: {row['verdict']}{end}, {row['state']}{held}, by {row['author']}:"
        f" {shorten(row['reason'], _MESSAGE)} ({row['model']} app {row['app_num']}:"
        f" {shorten(row['message'], _MESSAGE)})"
    )
    return visible(text, one_line=True)


def _table(frame: pd.DataFrame) -> str:
    names = frame["model"].astype(object).map(lambda name: visible(name, one_line=True))
    return str(frame.assign(model=names).to_string(index=False))
