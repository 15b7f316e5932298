"""From an app to what the tools saw of it: start it, run each tool that is wanted, look at it afterwards."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.dast import probe_run, wapiti, zap_report
from batchnb.analyzers.dast.zap_client import INSTALL_HINT, Zap, ZapError
from batchnb.analyzers.dast.zap_scan import ZapScan, as_output
from batchnb.analyzers.raw import ToolRun
from batchnb.analyzers.running import AppNotRunningError, running_app
from batchnb.records import CoverageStatus
from batchnb.records.errors import InvalidValueError, ToolMissingError
from batchnb.tools.routes import RouteMap, find_routes, openapi
from batchnb.tools.targets import check_target, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.analyzers.dast.options import ZapOptions
    from batchnb.analyzers.running import RunningApp
    from batchnb.tools.layout import AppFolder

KEY_VARIABLE = "ZAP_API_KEY"
NO_ZAP = (
    "no ZAP is configured: start ZAP (https://www.zaproxy.org) as a daemon, give its address as zap_address "
    f"and its key in the environment variable {KEY_VARIABLE}"
)
_UNREACHABLE = (
    "ZAP cannot reach an app inside the sandbox's own network: start the app yourself and give its address"
)
_ORDER = (zap_report.NAME, probe_run.NAME, wapiti.NAME)
_NOT_WANTED = "switched off by the options"


@dataclass(kw_only=True, slots=True)
class Collection:
    """One app's turn."""

    number: int
    app: AppFolder
    options: ZapOptions
    context: AnalysisContext
    runs: list[ToolRun] = field(default_factory=list)

    def run(self) -> list[ToolRun]:
        """Run the tools; every one that is not optional has exactly one run afterwards."""
        wanted = self._wanted()
        if wanted:
            began = time.monotonic()
            try:
                with running_app(self.app, self.options, self.context) as running:
                    self._test(running, wanted)
            except (AppNotRunningError, InvalidValueError) as error:
                seconds = round(time.monotonic() - began, 3)
                done = {run.tool for run in self.runs}
                left = (name for name in wanted if name not in done)
                status = self._stopped(CoverageStatus.FAILED)
                self.runs += [replace(self._say(name, status, str(error)), seconds=seconds) for name in left]
        return sorted(self.runs, key=lambda run: _ORDER.index(run.tool))

    def _wanted(self) -> dict[str, Callable[[RunningApp, RouteMap], ToolRun]]:
        """Return what to run for each tool that is wanted and there; note why the others are not run."""
        wanted: dict[str, Callable[[RunningApp, RouteMap], ToolRun]] = {}
        options = self.options
        if not (options.zap_address or options.probe or options.wapiti):
            self.runs.append(self._say(zap_report.NAME, CoverageStatus.TOOL_MISSING, NO_ZAP))
        elif options.zap_address and options.launch and not options.address:
            self.runs.append(self._say(zap_report.NAME, CoverageStatus.FAILED, _UNREACHABLE))
        elif options.zap_address:
            wanted[zap_report.NAME] = self._zap
        if options.probe:
            wanted[probe_run.NAME] = self._probe
        else:
            self.runs.append(self._say(probe_run.NAME, CoverageStatus.NOT_APPLICABLE, _NOT_WANTED))
        if options.wapiti and wapiti.command() is None:
            why = f"not installed: {wapiti.INSTALL_HINT}"
            self.runs.append(self._say(wapiti.NAME, CoverageStatus.TOOL_MISSING, why))
        elif options.wapiti:
            wanted[wapiti.NAME] = self._wapiti
        return wanted

    def _test(
        self, running: RunningApp, wanted: dict[str, Callable[[RunningApp, RouteMap], ToolRun]]
    ) -> None:
        found = find_routes(self.app.path / "backend") if self.app.has("backend") else RouteMap()
        excluded = set(self.options.exclude_routes)
        routes = tuple(route for route in found.routes if route.path not in excluded)
        for done, (name, test) in enumerate(wanted.items(), start=1):
            if not running.is_alive():
                why = _after(running) or "the app had ended"
                self.runs.append(self._say(name, self._stopped(CoverageStatus.FAILED), why))
                continue
            self.runs.append(test(running, replace(found, routes=routes)))
            self.context.progress(100 * done // (len(wanted) + 1))

    def _probe(self, running: RunningApp, found: RouteMap) -> ToolRun:
        routes = _plain(found)
        raw = probe_run.run_probe(
            running.url,
            routes,
            self.context,
            enter=running.enter,
            seconds=60 * self.options.probe_minutes,
            deletes=self.options.delete_routes or self._is_ours,
            foreign=not is_loopback(running.target.address),
        )
        unread = [*found.unread, *((path, "left out by the options") for path in self.options.exclude_routes)]
        plan = {"routes": routes, "unread": unread, "how": running.how, "after": _after(running)}
        return probe_run.probe_run(raw, plan, self.number)

    def _wapiti(self, running: RunningApp, found: RouteMap) -> ToolRun:
        program = wapiti.command()
        if program is None:
            return self._say(wapiti.NAME, CoverageStatus.TOOL_MISSING, wapiti.INSTALL_HINT)
        if not is_loopback(running.target.address):
            return self._say(wapiti.NAME, CoverageStatus.FAILED, "wapiti is only run against this machine")
        routes = found.routes if self._is_ours or self.options.delete_routes else _harmless(found)
        run = wapiti.run_wapiti(
            program,
            running.url,
            openapi(routes, running.url),
            self.context,
            enter=running.enter,
            seconds=60 * self.options.wapiti_minutes,
            target=self.number,
        )
        return replace(run, output=wapiti.kept(run, _plain(found), _after(running)) if run.output else "")

    def _zap(self, running: RunningApp, found: RouteMap) -> ToolRun:
        began = time.monotonic()
        try:
            result = self._scanned(running, found)
        except ToolMissingError:
            why = f"the client of ZAP is not installed: {INSTALL_HINT}"
            return self._say(zap_report.NAME, CoverageStatus.TOOL_MISSING, why)
        except (ZapError, InvalidValueError) as error:
            return self._say(zap_report.NAME, self._stopped(CoverageStatus.FAILED), str(error))
        stopped = self._stopped(CoverageStatus.OK)
        return ToolRun(
            tool=zap_report.NAME,
            targets=(self.number,),
            status=stopped,
            detail="; ".join(result["notes"]) if stopped is not CoverageStatus.OK else "",
            version=result["version"],
            seconds=round(time.monotonic() - began, 3),
            output=as_output(result, _plain(found), _after(running)),
        )

    def _scanned(self, running: RunningApp, found: RouteMap) -> dict[str, Any]:
        options = self.options
        where = check_target(options.zap_address, allowed_hosts=options.allowed_hosts, source="zap_address")
        zap = Zap(where.origin, self.context.secrets.get(KEY_VARIABLE, ""))
        try:
            return ZapScan(
                zap=zap,
                url=running.url,
                routes=_plain(found),
                context=self.context,
                spider=options.spider,
                ajax=options.ajax_spider,
                active=options.active_scan,
                policy=options.scan_policy,
                excluded=[_pattern(path) for path in options.exclude_routes],
                seconds=60 * options.zap_minutes,
            ).run()
        finally:
            zap.close()

    @property
    def _is_ours(self) -> bool:
        """Whether the app was started for this test, from a copy that nobody misses."""
        return self.options.launch and not self.options.address

    def _stopped(self, otherwise: CoverageStatus) -> CoverageStatus:
        if self.context.cancel.cancelled:
            return CoverageStatus.CANCELLED
        return CoverageStatus.TIMED_OUT if self.context.deadline.expired else otherwise

    def _say(self, tool: str, status: CoverageStatus, why: str) -> ToolRun:
        return ToolRun(tool=tool, targets=(self.number,), status=status, detail=why)


def _plain(found: RouteMap) -> list[dict[str, Any]]:
    return [asdict(route) for route in found.routes]


def _harmless(found: RouteMap) -> tuple[Any, ...]:
    return tuple(route for route in found.routes if route.method != "DELETE")


def _pattern(path: str) -> str:
    """Return a regular expression for the addresses of a route, which ZAP matches as a whole."""
    parts = (re.escape(part.partition("}")[2] if "}" in part else part) for part in path.split("{"))
    return rf"https?://[^/]+{'[^/]+'.join(parts)}(\?.*)?"


def _after(running: RunningApp) -> str:
    """Return what is wrong with the app now; empty if it lives and answers."""
    why = running.why_ended()
    if why or not running.is_alive():
        last = " ".join(running.log_tail().strip().splitlines()[-1:])
        return f"the app ended during the scan: {why or 'it does not answer'}{f' ({last})' if last else ''}"
    return "" if running.answers() else "the app does not answer after the scan"
