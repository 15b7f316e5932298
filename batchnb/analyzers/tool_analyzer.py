"""An analyzer made of tools: what they wrote is collected first, and read in a second step of its own."""

from __future__ import annotations

import logging
from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.base import AnalysisContext, Analyzer, check_options, own_context
from batchnb.records import AnalysisReport, CoverageStatus
from batchnb.records.errors import InvalidValueError
from batchnb.records.task import DEFAULT_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from batchnb.analyzers.raw import RawAnalysis
    from batchnb.tools.layout import AppFolder

_log = logging.getLogger(__name__)


class ToolAnalyzer(Analyzer):
    """Base of analyzers that run tools: `collect` runs them, `parse` reads what they wrote.

    The two meet only in a `RawAnalysis`, which is kept beside the store, so that `parse` can be tested on
    recorded output, and run again without a scan.
    """

    @abstractmethod
    def collect(self, apps: Sequence[AppFolder], options: Any, context: AnalysisContext) -> RawAnalysis:
        """Run the tools on up to `batch_size` apps and return what they wrote.

        A tool that fails, is missing or is stopped is a `ToolRun` that says so. An app that cannot be
        settled among the others has no run at all of one of the `tools`; it is then analysed alone.
        """

    @abstractmethod
    def parse(self, raw: RawAnalysis) -> Sequence[AnalysisReport]:
        """Read what was collected: one report per target, in their order. Reads nothing else."""

    def analyze(self, app: AppFolder, options: Any, context: AnalysisContext) -> AnalysisReport:
        """Analyse one app; see `Analyzer.analyze`."""
        raw = self.collect([app], options, context)
        keep(raw, context)
        return self.parse(raw)[0]

    def analyze_all(
        self, apps: Sequence[AppFolder], options: Any, context: AnalysisContext
    ) -> Sequence[AnalysisReport | None]:
        """Analyse several apps in one go; see `Analyzer.analyze_all`."""
        raw = self.collect(apps, options, context)
        keep(raw, context)
        if len(apps) == 1:
            return self.parse(raw)
        return [
            report if self._is_settled(raw, number) and _is_final(report) else None
            for number, report in enumerate(self.parse(raw))
        ]

    def _is_settled(self, raw: RawAnalysis, number: int) -> bool:
        ran = {run.tool for run in raw.runs if number in run.targets}
        return ran >= set(self.tools)

    # ------------------------------------------------------------- on its own, as in the seed (9.1)

    @contextmanager
    def alone(
        self, model: str, app_num: int, values: Mapping[str, Any], source: str
    ) -> Iterator[tuple[AppFolder, Any, AnalysisContext]]:
        """Give what an analysis outside any job needs: the app, checked options and a context.

        Raises:
            InvalidValueError: if there is no such app, or an option has a value that it cannot have.
        """
        app = self.find_app(model, app_num)
        if app is None:
            where = f"there is no {model}/app{app_num} under {self.base_path}"
            raise InvalidValueError("app", f"{model}/app{app_num}", where, source)
        with own_context(self, DEFAULT_TIMEOUT_SECONDS) as context:
            yield app, check_options(type(self), values, source), context


def keep(raw: RawAnalysis, context: AnalysisContext) -> None:
    """Keep the raw output where the context says; that it cannot be kept spoils no analysis."""
    if context.raw_file is None:
        return
    try:
        raw.keep(context.raw_file)
    except OSError as error:
        _log.warning("the raw output could not be kept: %s", error)


def _is_final(report: AnalysisReport) -> bool:
    """Whether it holds among others: who was stopped together with them may yet end well alone."""
    stopped = {CoverageStatus.TIMED_OUT, CoverageStatus.CANCELLED}
    return not any(cell.status in stopped for cell in report.coverage)
