"""An analysis of one's own: how long the backend's Python files are, as `wc` counts them.

This is all that a plug-in needs. Forms, the command line, frames, charts and reports know it from here.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from batchnb.analyzers.base import Options, ToolNeed
from batchnb.analyzers.raw import RawAnalysis, RawTarget, StagedFiles, ToolRun
from batchnb.analyzers.tool_analyzer import ToolAnalyzer
from batchnb.records import (
    AnalysisReport,
    Coverage,
    CoverageStatus,
    Finding,
    Measurement,
    Severity,
    fingerprint,
)
from batchnb.tools.locate import find_program
from batchnb.tools.process import Ending, run_tool
from batchnb.tools.staging import stage


class LineCountOptions(Options):
    """The options: each becomes a control in the form and `--option line_count.NAME=VALUE`."""

    longest: int = Field(default=100, ge=1, title="Longest file", description="Lines that a file may have.")


class LineCountAnalyzer(ToolAnalyzer):
    """Counts lines with `wc -l` on a staged copy."""

    key: ClassVar[str] = "line_count"
    title: ClassVar[str] = "Line count"
    service: ClassVar[str] = "line_count_analyzer"
    tools: ClassVar[tuple[str, ...]] = ("wc",)
    part: ClassVar[str | None] = "backend"
    options = LineCountOptions

    def needs(self):
        found = find_program("wc")
        return (ToolNeed(name="wc", command=found and (str(found),), install_hint="apt install coreutils"),)

    def collect(self, apps, options, context):
        targets, runs = [], []
        for number, app in enumerate(apps):
            tree = stage(
                app.path / "backend",
                context.scratch / str(number),
                suffixes=frozenset({".py"}),
                prefix="backend",
            )
            files = StagedFiles(origins=tree.origins, unread=tree.unread)
            targets.append(RawTarget(model=app.model, app_num=app.app_num, files=files))
            runs.append(self._run(number, tree, context))
        return RawAnalysis(
            analysis_type=self.key,
            options=options.model_dump(mode="json"),
            targets=tuple(targets),
            runs=tuple(runs),
        )

    def _run(self, number, tree, context):
        if not tree.origins:
            return ToolRun(tool="wc", targets=(number,), status=CoverageStatus.NOT_APPLICABLE)
        raw = run_tool(
            ["wc", "-l", *sorted(tree.origins)],
            cwd=tree.root,
            deadline=context.deadline,
            cancel=context.cancel,
        )
        done = raw.ending is Ending.EXITED and raw.returncode == 0
        return ToolRun(
            tool="wc",
            targets=(number,),
            status=CoverageStatus.OK if done else CoverageStatus.FAILED,
            detail="" if done else f"wc ended with {raw.returncode}",
            exit_code=raw.returncode,
            seconds=raw.seconds,
            output=raw.stdout.decode(),
        )

    def parse(self, raw):
        return [self._report(raw, target, run) for target, run in zip(raw.targets, raw.runs, strict=True)]

    def _report(self, raw, target, run):
        whose = {
            "model": target.model,
            "app_num": target.app_num,
            "analysis_type": self.key,
            "tool": "wc",
        }
        rows = [line.split() for line in run.output.splitlines()]
        lengths = {path: int(count) for count, path in rows if path != "total"}
        issues = [
            Finding(
                **whose,
                rule="long-file",
                severity=Severity.LOW,
                path=target.files.origins[path],
                message=f"{lines} lines, allowed are {raw.options['longest']}",
                fingerprint=fingerprint("wc", "long-file", path, "", 0),
            )
            for path, lines in sorted(lengths.items())
            if lines > raw.options["longest"]
        ]
        cell = Coverage(
            **whose,
            status=run.status,
            detail=run.detail,
            files_eligible=len(lengths),
            files_seen=len(lengths),
            exit_code=run.exit_code,
            seconds=run.seconds,
        )
        total = Measurement(**whose, metric="lines", value=float(sum(lengths.values())))
        return AnalysisReport(issues=tuple(issues), coverage=(cell,), measurements=(total,))
