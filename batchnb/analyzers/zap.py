"""zap: tests of the running app over HTTP, by a ZAP that runs elsewhere, by an embedded probe, by wapiti.

The three report under their own names. `zap` is a real ZAP, whose address the options give; without one there
is no cell of it. `probe` is the embedded probe, which is not ZAP; `dast.faults` lists what it can find.
Coverage counts routes where other analyses count files: `files_eligible` are the routes of the backend's
source, `files_seen` those whose code was reached, and `unread` names the others with the reason (refused,
unknown, not finished). An app that dies under the test, or does not answer afterwards, is never clean.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from batchnb.analyzers.base import AnalysisContext, Options, ToolNeed, check_options, own_context
from batchnb.analyzers.dast import probe_run, wapiti, zap_report
from batchnb.analyzers.dast.collecting import KEY_VARIABLE, NO_ZAP, Collection
from batchnb.analyzers.dast.options import ZapOptions
from batchnb.analyzers.dast.probe_report import parse_probe
from batchnb.analyzers.dast.wapiti import parse_wapiti
from batchnb.analyzers.dast.zap_report import parse_zap
from batchnb.analyzers.raw import RawAnalysis, RawTarget, ToolRun
from batchnb.analyzers.tool_analyzer import ToolAnalyzer
from batchnb.records import AnalysisReport, AnalysisType, Coverage, CoverageStatus, Finding
from batchnb.records.errors import BatchnbError, InvalidValueError, ReportError, UnknownNameError
from batchnb.records.task import DEFAULT_TIMEOUT_SECONDS
from batchnb.tools.cancellation import CancelToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from batchnb.tools.layout import AppFolder

_PARSERS: dict[str, Callable[[ToolRun, RawTarget, str], tuple[list[Finding], Coverage]]] = {
    zap_report.NAME: parse_zap,
    probe_run.NAME: parse_probe,
    wapiti.NAME: parse_wapiti,
}


class ZapAnalyzer(ToolAnalyzer):
    """Tests of a running backend over HTTP; it is started in a sandbox unless its address is given."""

    key: ClassVar[str] = AnalysisType.ZAP.value
    title: ClassVar[str] = "ZAP / DAST"
    service: ClassVar[str] = "scan_manager"
    tools: ClassVar[tuple[str, ...]] = (probe_run.NAME,)
    optional_tools: ClassVar[tuple[str, ...]] = (zap_report.NAME, wapiti.NAME)
    part: ClassVar[str | None] = "backend"
    options: ClassVar[type[Options]] = ZapOptions
    by_default: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]] = (KEY_VARIABLE,)
    needs_running_app: ClassVar[bool] = True

    def needs(self) -> tuple[ToolNeed, ...]:
        """Return ZAP, which is no program here but an address in the options, the probe, and wapiti."""
        return (
            ToolNeed(name=zap_report.NAME, command=None, install_hint=NO_ZAP, optional=True),
            ToolNeed(name=probe_run.NAME, command=(), install_hint=""),
            ToolNeed(
                name=wapiti.NAME, command=wapiti.command(), install_hint=wapiti.INSTALL_HINT, optional=True
            ),
        )

    def collect(self, apps: Sequence[AppFolder], options: Any, context: AnalysisContext) -> RawAnalysis:
        """Test each app with every tool that is wanted and there."""
        runs: list[ToolRun] = []
        for number, app in enumerate(apps):
            runs += Collection(number=number, app=app, options=options, context=context).run()
        return RawAnalysis(
            analysis_type=self.key,
            options=options.model_dump(mode="json"),
            targets=tuple(RawTarget(model=app.model, app_num=app.app_num) for app in apps),
            runs=tuple(runs),
        )

    def parse(self, raw: RawAnalysis) -> Sequence[AnalysisReport]:
        """Read what the tools wrote about each app."""
        reports = []
        for number, target in enumerate(raw.targets):
            read = [_read(run, target, raw.analysis_type) for run in raw.runs if number in run.targets]
            issues = tuple(finding for findings, _ in read for finding in findings)
            reports.append(AnalysisReport(issues=issues, coverage=tuple(cell for _, cell in read)))
        return reports


def _read(run: ToolRun, target: RawTarget, analysis_type: str) -> tuple[list[Finding], Coverage]:
    status, detail = run.status, run.detail
    if status is CoverageStatus.OK:
        try:
            return _PARSERS[run.tool](run, target, analysis_type)
        except ReportError as error:
            status, detail = CoverageStatus.FAILED, str(error)
    cell = Coverage(
        model=target.model,
        app_num=target.app_num,
        analysis_type=analysis_type,
        tool=run.tool,
        status=status,
        exit_code=run.exit_code,
        tool_version=run.version,
        seconds=run.seconds,
        stderr_tail=run.stderr_tail[-2_000:],
        detail=detail,
    )
    return [], cell


# ----------------------------------------------------------------- on its own, as in the seed (3.2, 9)


@dataclass(slots=True)
class _Scan:
    """A scan that was asked for; written by its thread, read by anybody."""

    model: str
    app_num: int
    cancel: CancelToken = field(default_factory=CancelToken)
    progress: int = 0
    status: str = "running"
    error: str = ""
    report: AnalysisReport | None = None
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class ScanManager:
    """Starts scans of single apps and tells how they are; each runs in a thread of its own."""

    def __init__(self, base_path: str | Path | None = None) -> None:
        """Make a manager for the apps under `base_path`; None: the environment variable APP_BASE_PATH."""
        self._analyzer = ZapAnalyzer(base_path)
        self._scans: dict[str, _Scan] = {}
        self._lock = threading.Lock()

    @property
    def analyzer(self) -> ZapAnalyzer:
        """What a job uses when this manager is given to it as a service."""
        return self._analyzer

    def create_scan(self, model: str, app_num: int, options: Mapping[str, Any] | None = None) -> str:
        """Start a scan and return its id at once.

        Args:
            model: the model's name.
            app_num: the app's number.
            options: values of `ZapOptions`, such as `{"address": "http://127.0.0.1:5101"}`.

        Raises:
            InvalidValueError: if there is no such app, or an option has a value that it cannot have.
        """
        app = self._analyzer.find_app(model, app_num)
        if app is None:
            where = f"there is no {model}/app{app_num} under {self._analyzer.base_path}"
            raise InvalidValueError("app", f"{model}/app{app_num}", where, "create_scan")
        checked = check_options(ZapAnalyzer, options or {}, "create_scan")
        scan = _Scan(model=model, app_num=app_num)
        with self._lock:
            scan_id = str(len(self._scans) + 1)
            self._scans[scan_id] = scan
        name = f"batchnb-scan-{scan_id}"
        threading.Thread(target=self._run, args=(scan, app, checked), name=name, daemon=True).start()
        return scan_id

    def get_scan_status(self, scan_id: str) -> dict[str, Any]:
        """Return how a scan is.

        Returns:
            `scan_id`, `model`, `app_num`, `status` (running, completed, stopped, failed), `progress`
            (percent), `seconds`, `error`, and of an ended one `issues`, `coverage` and `tool_status`.

        Raises:
            UnknownNameError: if there is no such scan.
        """
        scan = self._find(scan_id)
        report = scan.report
        elapsed = time.monotonic() - scan.started if scan.seconds is None else scan.seconds
        return {
            "scan_id": scan_id,
            "model": scan.model,
            "app_num": scan.app_num,
            "status": scan.status,
            "progress": scan.progress,
            "seconds": round(elapsed, 3),
            "error": scan.error,
            "issues": [asdict(finding) for finding in report.issues] if report else [],
            "coverage": [asdict(cell) for cell in report.coverage] if report else [],
            "tool_status": report.tool_status if report else {},
        }

    def stop(self, scan_id: str) -> None:
        """Ask a scan to stop; what runs for it is ended. One that has ended stays as it is.

        Raises:
            UnknownNameError: if there is no such scan.
        """
        self._find(scan_id).cancel.cancel("stopped by the user")

    def wait(self, scan_id: str, timeout: float | None = None) -> dict[str, Any]:
        """Wait until a scan has ended, at most `timeout` seconds, and return how it is."""
        self._find(scan_id).ended.wait(timeout)
        return self.get_scan_status(scan_id)

    def _find(self, scan_id: str) -> _Scan:
        with self._lock:
            if scan_id not in self._scans:
                raise UnknownNameError("scan", scan_id, self._scans)
            return self._scans[scan_id]

    def _run(self, scan: _Scan, app: AppFolder, options: Options) -> None:
        status = "failed"
        try:
            with own_context(
                self._analyzer,
                DEFAULT_TIMEOUT_SECONDS,
                cancel=scan.cancel,
                progress=lambda percent: setattr(scan, "progress", percent),
            ) as context:
                scan.report = self._analyzer.analyze(app, options, context)
            status = "stopped" if scan.cancel.cancelled else "completed"
        except (BatchnbError, OSError) as error:
            scan.error = str(error)
        except Exception as error:
            scan.error = f"{type(error).__name__}: {error}"
            raise
        finally:
            scan.seconds = time.monotonic() - scan.started
            scan.progress = 100 if status == "completed" else scan.progress
            scan.status = status
            scan.ended.set()
