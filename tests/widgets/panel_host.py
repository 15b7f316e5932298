"""An analysis that waits until the test lets it go on, and a host to run it on."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from support import coverage, finding, make_apps

from batchnb.analyzers.base import Analyzer
from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.settings import Settings
from batchnb.engine.storage import JobStorage
from batchnb.records import AnalysisReport, CoverageStatus, JobSpec
from batchnb.results.portfolio_view import PortfolioView
from batchnb.tools.survey import discover


class GatedAnalyzer(Analyzer):
    key = "gated"
    title = "Gated check"
    service = "gated_analyzer"
    tools = ("gate",)

    def __init__(self, base_path):
        super().__init__(base_path)
        self.gate, self.started = threading.Event(), threading.Event()

    def analyze(self, app, options, context):
        self.started.set()
        freed = context.cancel.subscribe(self.gate.set)
        self.gate.wait(20)
        freed()
        cell = {"model": app.model, "app_num": app.app_num, "analysis_type": self.key, "tool": "gate"}
        if context.cancel.cancelled:
            stopped = coverage(**cell, status=CoverageStatus.CANCELLED, files_seen=0)
            return AnalysisReport(issues=(), coverage=(stopped,))
        return AnalysisReport(
            issues=(finding(**cell, message=f"<b>{app.model}</b>"),), coverage=(coverage(**cell),)
        )


REGISTRY = (EntryPoint("gated", "panel_host:GatedAnalyzer", GROUP),)


@dataclass
class Host:
    """The least that a panel needs."""

    portfolio: PortfolioView
    registry: AnalyzerRegistry
    service: BatchAnalysisService
    storage: JobStorage
    analyzer: GatedAnalyzer

    def submit(self, **changes):
        ranges = {model: self.portfolio.portfolio.app_nums(model) for model in self.portfolio.models}
        values = {"models": tuple(ranges), "app_ranges": ranges, "analysis_types": ("gated",)}
        return self.service.submit(JobSpec(**{**values, **changes}))


def make_host(base, models=("atlas", "birch"), apps=(1, 2)):
    make_apps(base, dict.fromkeys(models, apps))
    storage, registry, analyzer = JobStorage(), AnalyzerRegistry(REGISTRY), GatedAnalyzer(base)
    for kind in registry.keys:
        if kind not in {"backend_security", "gated"}:  # what a test of the panel has no use for
            del registry._known[kind]
    service = BatchAnalysisService(
        storage, base, settings=Settings(), registry=registry, services={analyzer.service: analyzer}
    )
    return Host(PortfolioView(discover(base)), registry, service, storage, analyzer)
