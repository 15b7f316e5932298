"""backend_security: the Python backend's source, by bandit and by ruff's security rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from batchnb.analyzers.base import AnalysisContext, Analyzer, Options, ToolNeed
from batchnb.analyzers.scanners.bandit import Bandit
from batchnb.analyzers.scanners.ruff import Ruff
from batchnb.analyzers.source_scan import SourceScan
from batchnb.records import AnalysisReport, AnalysisType, summarize
from batchnb.records.errors import InvalidValueError
from batchnb.records.task import DEFAULT_TIMEOUT_SECONDS
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.scratch import scratch_folder
from batchnb.tools.staging import stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchnb.analyzers.scanners.base import Scanner
    from batchnb.records import Finding
    from batchnb.tools.layout import AppFolder


class BackendSecurityOptions(Options):
    """Options of backend_security."""

    full_scan: bool = Field(
        default=False,
        title="Full scan",
        description="Also run the scanners that are optional and installed. So far there are none.",
    )


class BackendSecurityAnalyzer(Analyzer):
    """Python source under `<app>/backend`, staged and scanned; nothing of the app is executed."""

    key: ClassVar[str] = AnalysisType.BACKEND_SECURITY.value
    title: ClassVar[str] = "Backend security"
    service: ClassVar[str] = "backend_security_analyzer"
    part: ClassVar[str | None] = "backend"
    options: ClassVar[type[Options]] = BackendSecurityOptions

    scanners: ClassVar[tuple[Scanner, ...]] = (Bandit(), Ruff())
    tools: ClassVar[tuple[str, ...]] = tuple(scanner.name for scanner in scanners)
    suffixes: ClassVar[frozenset[str]] = frozenset({".py"})

    def analyze(self, app: AppFolder, options: Any, context: AnalysisContext) -> AnalysisReport:
        """Scan a staged copy of the app's backend with every scanner."""
        del options  # full_scan adds the optional scanners, of which there are none yet
        tree = stage(app.path / "backend", context.scratch / "app", suffixes=self.suffixes, prefix="backend")
        return SourceScan(
            app=app, analysis_type=self.key, tree=tree, scanners=self.scanners, context=context
        ).run()

    def needs(self) -> tuple[ToolNeed, ...]:
        """Return the scanners, found or not."""
        return tuple(
            ToolNeed(name=scanner.name, command=scanner.command(), install_hint=scanner.install_hint)
            for scanner in self.scanners
        )

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
        app = self.find_app(model, app_num)
        if app is None:
            where = f"there is no {model}/app{app_num} under {self.base_path}"
            raise InvalidValueError("app", f"{model}/app{app_num}", where, "run_security_analysis")
        with scratch_folder() as scratch:
            context = AnalysisContext(
                scratch=scratch,
                deadline=Deadline.after(DEFAULT_TIMEOUT_SECONDS),
                cancel=CancelToken(),
                progress=lambda percent: None,  # noqa: ARG005 - nobody watches
            )
            return self.analyze(app, BackendSecurityOptions(full_scan=use_all_tools), context)

    @staticmethod
    def get_analysis_summary(issues: Iterable[Finding]) -> dict[str, Any]:
        """Count findings by severity, tool, rule, CWE and file; see records.summarize."""
        return summarize(issues)
