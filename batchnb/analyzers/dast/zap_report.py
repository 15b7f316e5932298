"""Reading ZAP's alerts. Severity is ZAP's risk; `Informational` is low and marked as noise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from batchnb.analyzers.dast.findings import RouteFindings, Seen
from batchnb.analyzers.findings import FindingMaker
from batchnb.records import Confidence, Coverage, CoverageStatus, Finding, Severity, UnreadFile
from batchnb.records.errors import ReportError
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from batchnb.analyzers.raw import RawTarget, ToolRun

NAME = "zap"
_RISKS = {
    "High": Severity.HIGH,
    "Medium": Severity.MEDIUM,
    "Low": Severity.LOW,
    "Informational": Severity.LOW,
}
_CONFIDENCES = {
    "Confirmed": Confidence.HIGH,
    "High": Confidence.HIGH,
    "Medium": Confidence.MEDIUM,
    "Low": Confidence.LOW,
}
_FALSE = "False Positive"


def parse_zap(run: ToolRun, target: RawTarget, analysis_type: str) -> tuple[list[Finding], Coverage]:
    """Return the findings and the coverage cell of one run of ZAP.

    Raises:
        ReportError: if what was kept is not of the known form.
    """
    try:
        said = json.loads(run.output)
        routes = said["routes"]
        maker = RouteFindings(FindingMaker(analysis_type=analysis_type, tool=NAME, target=target), routes)
        alerts = [alert for alert in said["alerts"] if alert.get("confidence") != _FALSE]
        findings = [_finding(alert, maker) for alert in sorted(alerts, key=_order)]
        seeded = set(said["seeded"])
        keys = [f"{route['method']} {route['path']}" for route in routes]
        unread = [UnreadFile(path=key, reason="was not given to ZAP") for key in keys if key not in seeded]
        notes = [str(note) for note in (*said["notes"], *([said["after"]] if said["after"] else []))]
        messages = int(said["messages"])
        earlier = [f"{said['earlier']} alerts were there before"] if said["earlier"] else []
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReportError(f"ZAP's alerts are not of the known form: {error!r}") from error
    status = CoverageStatus.OK
    if said["after"] and not findings:
        status = CoverageStatus.FAILED
    elif messages == 0:
        status, findings = CoverageStatus.FAILED, []
        notes.append("ZAP has no request to the app on record: can it reach it?")
    elif notes or unread:
        status = CoverageStatus.PARTIAL
    cell = Coverage(
        model=target.model,
        app_num=target.app_num,
        analysis_type=analysis_type,
        tool=NAME,
        status=status,
        files_eligible=len(keys),
        files_seen=len(keys) - len(unread) if status.is_measured else 0,
        unread=tuple(unread),
        tool_version=visible(run.version),
        seconds=run.seconds,
        detail=visible("; ".join((*notes, *earlier, f"{messages} requests")), one_line=True)[:1_000],
    )
    return findings, cell


def _order(alert: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(alert.get(name, "")) for name in ("pluginId", "method", "url", "param", "attack"))


def _finding(alert: dict[str, Any], maker: RouteFindings) -> Finding:
    param, other = str(alert.get("param", "")), str(alert.get("other", ""))
    attack, evidence = str(alert.get("attack", "")), str(alert.get("evidence", ""))
    proof = [f"{alert['method']} {alert['url']}"]
    named = (("attack", attack), ("evidence", evidence), ("other", other))
    proof += [f"{name}: {value[:600]}" for name, value in named if value]
    cwe = str(alert.get("cweid", ""))
    return maker.make(
        Seen(
            rule=str(alert.get("alertRef") or alert["pluginId"]),
            method=str(alert["method"]),
            path=urlsplit(str(alert["url"])).path or "/",
            where=f"parameter {param}" if param else "",
            what=str(alert.get("name") or alert["alert"]),
            evidence="\n".join(proof),
            severity=_RISKS[alert["risk"]],
            confidence=_CONFIDENCES.get(alert.get("confidence", "")),
            cwe=int(cwe) if cwe.isdecimal() and cwe != "0" else None,
            tags=("noise",) if alert["risk"] == "Informational" else (),
        )
    )
