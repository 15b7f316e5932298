"""wapiti (https://wapiti-scanner.github.io), a separate program under the GPL, in an environment of its own.

It is given the routes as an OpenAPI file, as most backends have no page that links to them. Its exit code
says nothing: a report without crawled pages is no report. The modules `ssrf` and `file` are left out, as they
send addresses of a foreign site; so are the slow ones that guess file names.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.dast.findings import RouteFindings, Seen
from batchnb.analyzers.dast.probe_run import END_SECONDS, ENDINGS
from batchnb.analyzers.findings import FindingMaker
from batchnb.analyzers.raw import ToolRun
from batchnb.records import Coverage, CoverageStatus, Finding, Severity, UnreadFile
from batchnb.records.errors import ReportError
from batchnb.tools import kit
from batchnb.tools.locate import find_program
from batchnb.tools.process import Ending, Limits, run_tool
from batchnb.tools.text import visible
from batchnb.tools.version import tool_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.analyzers.raw import RawTarget

NAME = "wapiti"
INSTALL_HINT = "batchnb tools install wapiti"
MODULES = "sql,xss,permanentxss,exec,redirect,csp,http_headers,cookieflags"
_LIMITS = Limits(memory_bytes=2 << 30)
_ATTACK_SECONDS = 60
MAX_REPORT = 16 << 20
_SEVERITIES = {1: Severity.LOW, 2: Severity.MEDIUM, 3: Severity.HIGH, 4: Severity.HIGH}
_CWE = re.compile(r"CWE-(\d+)")
# What wapiti calls an anomaly: an error of the server to look at, not a fault that it has proven.
_ANOMALY = Severity.MEDIUM
_ANOMALY_CWE = {"Internal Server Error": 703}


def command() -> tuple[str, ...] | None:
    """Return how to start wapiti, of our own tools or on the PATH; None: it is not installed."""
    found = kit.find(NAME) or find_program(NAME)
    return (str(found),) if found else None


def run_wapiti(
    program: tuple[str, ...],
    url: str,
    document: Mapping[str, Any],
    context: AnalysisContext,
    *,
    enter: Sequence[str],
    seconds: float,
    target: int,
) -> ToolRun:
    """Run wapiti against an app and keep its report.

    Args:
        program: how to start it.
        url: the app's origin.
        document: the routes as an OpenAPI document.
        context: scratch folder, deadline, cancellation.
        enter: command that puts a program into the app's network.
        seconds: how long it may crawl and attack.
        target: the app's number in the raw analysis.
    """
    folder = context.scratch / f"wapiti{target}"
    folder.mkdir()
    listed, report = folder / "openapi.json", folder / "report.json"
    listed.write_text(json.dumps(document), encoding="utf-8")
    left = max(10.0, min(seconds, context.deadline.remaining() - END_SECONDS))
    raw = run_tool(
        [*enter, *program, *_arguments(url, listed, report, folder, left)],
        deadline=context.deadline,
        cancel=context.cancel,
        limits=_LIMITS,
    )
    status, detail = (CoverageStatus.OK, "") if raw.ending is Ending.EXITED else ENDINGS[raw.ending]
    output = ""
    if status is CoverageStatus.OK:
        output, detail = _load(report)
        status = CoverageStatus.FAILED if detail else status
    return ToolRun(
        tool=NAME,
        targets=(target,),
        status=status,
        detail=detail,
        version=tool_version(program, context.deadline, context.cancel),
        exit_code=raw.returncode,
        seconds=round(raw.seconds, 3),
        output=output,
        stderr_tail=raw.stderr.decode("utf-8", "surrogateescape")[-2_000:],
    )


def _arguments(url: str, listed: Path, report: Path, folder: Path, seconds: float) -> tuple[str, ...]:
    return (
        *("-u", f"{url}/", "--scope", "domain", "--swagger", str(listed)),
        *("-f", "json", "-o", str(report), "--flush-session", "--no-bugreport", "-v", "0"),
        *("--store-session", str(folder / "session"), "--store-config", str(folder / "config")),
        *("--max-scan-time", str(int(seconds)), "--max-attack-time", str(_ATTACK_SECONDS)),
        *("-t", "5", "-m", MODULES),
    )


def _load(report: Path) -> tuple[str, str]:
    """Return the report's text, or why there is none."""
    try:
        with report.open("rb") as file:
            content = file.read(MAX_REPORT + 1)
    except OSError as error:
        return "", f"it left no report: {error.strerror}"
    return (
        ("", "its report is too large")
        if len(content) > MAX_REPORT
        else (content.decode("utf-8", "replace"), "")
    )


def kept(run: ToolRun, routes: Sequence[Mapping[str, Any]], after: str) -> str:
    """Return what is kept of a run: the report, the routes, and how the app was afterwards."""
    return json.dumps({"report": run.output, "routes": list(routes), "after": after})


def parse_wapiti(run: ToolRun, target: RawTarget, analysis_type: str) -> tuple[list[Finding], Coverage]:
    """Return the findings and the coverage cell of one run of wapiti.

    Raises:
        ReportError: if the report is not of the known form.
    """
    try:
        said = json.loads(run.output)
        report = json.loads(said["report"])
        pages = int(report["infos"]["crawled_pages_nbr"])
        maker = RouteFindings(
            FindingMaker(analysis_type=analysis_type, tool=NAME, target=target), said["routes"]
        )
        findings = [
            _finding(category, entry, report["classifications"], maker)
            for kind in ("vulnerabilities", "anomalies")
            for category, entries in sorted(report[kind].items())
            for entry in entries
        ]
        routes = [f"{route['method']} {route['path']}" for route in said["routes"]]
        after = str(said["after"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReportError(f"wapiti's report is not of the known form: {error!r}") from error
    status, reasons = CoverageStatus.OK, [f"{pages} pages and routes crawled"]
    if pages == 0:
        status, reasons, findings = CoverageStatus.FAILED, ["it reached nothing"], []
    elif after:
        status = CoverageStatus.PARTIAL if findings else CoverageStatus.FAILED
        reasons.append(after)
    elif pages < len(routes):
        status = CoverageStatus.PARTIAL
        reasons.append(f"fewer than the {len(routes)} routes")
    unread = [] if status is CoverageStatus.OK else [UnreadFile(path="routes", reason="; ".join(reasons))]
    cell = Coverage(
        model=target.model,
        app_num=target.app_num,
        analysis_type=analysis_type,
        tool=NAME,
        status=status,
        files_eligible=len(routes),
        files_seen=min(pages, len(routes)) if status.is_measured else 0,
        unread=tuple(unread),
        exit_code=run.exit_code,
        tool_version=run.version,
        seconds=run.seconds,
        stderr_tail=run.stderr_tail,
        detail=visible("; ".join(reasons), one_line=True)[:1_000],
    )
    return findings, cell


def _finding(
    category: str, entry: Mapping[str, Any], classes: Mapping[str, Any], maker: RouteFindings
) -> Finding:
    references = " ".join(classes.get(category, {}).get("ref", {}))
    number = _CWE.search(references)
    parameter = str(entry["parameter"] or "")
    return maker.make(
        Seen(
            rule=re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-")[:80] or "unnamed",
            method=str(entry["method"]),
            path=str(entry["path"]),
            where=f"parameter {parameter}" if parameter else "",
            what=str(entry["info"]),
            evidence=str(entry["http_request"]),
            severity=_ANOMALY if category in _ANOMALY_CWE else _SEVERITIES[int(entry["level"])],
            confidence=None,
            cwe=int(number[1]) if number else _ANOMALY_CWE.get(category),
        )
    )
