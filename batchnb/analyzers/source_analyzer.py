"""An analyzer that reads an app's sources by scanners and checks; nothing of the app is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from batchnb.analyzers.base import AnalysisContext, Options, ToolNeed
from batchnb.analyzers.checks.online import OnlineAudit
from batchnb.analyzers.raw import RawAnalysis
from batchnb.analyzers.scanners.base import Scanner, SourceCheck
from batchnb.analyzers.source_collect import SourceCollection
from batchnb.analyzers.source_parse import read_sources
from batchnb.analyzers.tool_analyzer import ToolAnalyzer
from batchnb.records import summarize
from batchnb.tools.layout import AppFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from batchnb.analyzers.scanners.base import SourceTool
    from batchnb.records import AnalysisReport, Finding


class SourceOptions(Options):
    """Options of an analysis of sources."""

    full_scan: bool = Field(
        default=False,
        title="Full scan",
        description="Also run the scanners that are optional, where they are installed.",
    )
    online: bool = Field(
        default=False,
        title="Ask the registries",
        description="Also ask npm or PyPI about known faults of the app's packages: their names go there.",
    )


class SourceAnalyzer(ToolAnalyzer):
    """Sources under `<app>/<part>`, staged and read by every scanner and check of the class."""

    part: ClassVar[str]
    options: ClassVar[type[Options]] = SourceOptions
    batch_size: ClassVar[int] = 24
    sources: ClassVar[tuple[SourceTool, ...]]
    """Scanners and checks that always run, in the order of their cells."""
    optional_sources: ClassVar[tuple[SourceTool, ...]] = ()
    """Those that run with `full_scan`."""
    online_sources: ClassVar[tuple[OnlineAudit, ...]] = ()
    """Those that run with `online`."""
    beside: ClassVar[bool] = False
    """Whether files right in the app's folder belong to it too."""

    def collect(self, apps: Sequence[AppFolder], options: Any, context: AnalysisContext) -> RawAnalysis:
        """Stage the apps and run every scanner over all of them."""
        tools = self._tools_of(options)
        collection = SourceCollection(context, tools)
        collection.stage(apps, self.part, beside=self.beside)
        for tool in tools:
            collection.run(tool)
        return RawAnalysis(
            analysis_type=self.key,
            options=options.model_dump(mode="json"),
            targets=tuple(collection.targets),
            runs=tuple(collection.runs),
        )

    def parse(self, raw: RawAnalysis) -> Sequence[AnalysisReport]:
        """Read the scanners' reports and run the checks on the staged texts."""
        known = (*self.sources, *self.optional_sources, *self.online_sources)
        return read_sources(raw, {tool.name: tool for tool in known})

    def needs(self) -> tuple[ToolNeed, ...]:
        """Return the scanners, found or not."""
        needed = [_need(tool, optional=False) for tool in self.sources]
        others = (*self.optional_sources, *self.online_sources)
        return (*needed, *(_need(tool, optional=True) for tool in others))

    def self_test(self, context: AnalysisContext) -> dict[str, str]:
        """Run each tool on a tiny faulty app of its own, all in one call."""
        testable = [tool for tool in (*self.sources, *self.optional_sources) if _is_testable(tool)]
        apps = [_plant(tool, context.scratch / "planted", self.part) for tool in testable]
        options = self.options.model_validate({"full_scan": True})
        reports = self.parse(self.collect(apps, options, context))
        return {tool.name: _verdict(tool, report) for tool, report in zip(testable, reports, strict=True)}

    def _tools_of(self, options: Any) -> tuple[SourceTool, ...]:
        optional = self.optional_sources if options.full_scan else ()
        return (*self.sources, *optional, *(self.online_sources if options.online else ()))

    # ------------------------------------------------------------- on its own, as in the seed (9.1)

    def run_security_analysis(
        self,
        model: str,
        app_num: int,
        use_all_tools: bool = False,  # noqa: FBT001, FBT002 - the seed's signature
    ) -> AnalysisReport:
        """Analyse one app here and now, outside any job.

        Args:
            model: the model's name.
            app_num: the app's number.
            use_all_tools: also run the scanners that are optional and installed.

        Returns:
            `issues`, `coverage` per tool and `tool_status`.

        Raises:
            InvalidValueError: if there is no such app.
        """
        values = {"full_scan": use_all_tools}
        with self.alone(model, app_num, values, "run_security_analysis") as (app, options, context):
            return self.analyze(app, options, context)

    @staticmethod
    def get_analysis_summary(issues: Iterable[Finding]) -> dict[str, Any]:
        """Count findings by severity, tool, rule, CWE and file; see records.summarize."""
        return summarize(issues)


def _is_testable(tool: SourceTool) -> bool:
    """Whether a tool is here and has a test."""
    need = _need(tool, optional=False)
    is_offline = isinstance(tool, SourceCheck) and bool(tool.offline())
    return tool.self_test is not None and need.command is not None and not is_offline


def _plant(tool: SourceTool, home: Path, part: str) -> AppFolder:
    assert tool.self_test is not None  # noqa: S101 - asked before
    path, text, _ = tool.self_test
    folder = home / tool.name
    file = folder / part / path.removeprefix(f"{part}/")
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return AppFolder(model=tool.name, app_num=1, path=folder)


def _verdict(tool: SourceTool, report: AnalysisReport) -> str:
    assert tool.self_test is not None  # noqa: S101 - as above
    cell = next((cell for cell in report.coverage if cell.tool == tool.name), None)
    if cell is None or not cell.status.is_measured:
        return f"it did not run: {cell.detail or cell.status.value}" if cell else "it did not run"
    _, _, rule = tool.self_test
    found = {issue.rule for issue in report.issues if issue.tool == tool.name}
    return "" if rule in found else f"it did not find {rule} where it was planted"


def _need(tool: SourceTool, *, optional: bool) -> ToolNeed:
    command = tool.command() if isinstance(tool, (Scanner, OnlineAudit)) else ()
    offline = tool.offline() if isinstance(tool, SourceCheck) else ""
    lack = (tool.available() or offline) if isinstance(tool, SourceCheck) else ""
    return ToolNeed(
        name=tool.name,
        command=None if lack else command,
        install_hint=lack or tool.install_hint,
        version=tool.version() if isinstance(tool, SourceCheck) and not lack else "",
        optional=optional or bool(offline),  # its cell says so; the others measure all the same
    )
