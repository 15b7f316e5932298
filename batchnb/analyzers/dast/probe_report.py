"""Reading what the embedded probe said: its hits, what became of each route, how the app was afterwards."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.dast.faults import FAULTS
from batchnb.analyzers.dast.findings import RouteFindings, Seen
from batchnb.analyzers.dast.probe_run import LABEL, NAME
from batchnb.analyzers.findings import FindingMaker
from batchnb.records import Coverage, CoverageStatus, Finding, UnreadFile
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from batchnb.analyzers.raw import RawTarget, ToolRun

MAX_UNREAD = 200


@dataclass(slots=True)
class _Said:
    """The lines, sorted by kind."""

    plan: dict[str, Any] = field(default_factory=dict)
    hits: list[dict[str, Any]] = field(default_factory=list)
    routes: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)


def parse_probe(run: ToolRun, target: RawTarget, analysis_type: str) -> tuple[list[Finding], Coverage]:
    """Return the findings and the coverage cell of one run of the probe."""
    said = _read(run.output)
    findings = _findings(said, target, analysis_type)
    unread = _unread(said)
    planned = [route for route in said.routes if not route["crawled"] or not _unreached(route)]
    eligible = max(len(planned), len(said.plan.get("routes", ()))) + len(said.plan.get("unread", ()))
    status, reasons = _judge(run, said, eligible, len(unread))
    if not status.is_measured:
        findings = []
    requests = [f"{said.end['requests']} requests", str(said.end["login"])] if said.end.get("login") else []
    cell = Coverage(
        model=target.model,
        app_num=target.app_num,
        analysis_type=analysis_type,
        tool=NAME,
        status=status,
        files_eligible=eligible,
        files_seen=max(0, eligible - len(unread)) if status.is_measured else 0,
        unread=tuple(unread[:MAX_UNREAD]),
        exit_code=run.exit_code,
        tool_version=run.version,
        seconds=run.seconds,
        stderr_tail=run.stderr_tail[-2_000:],
        detail=visible("; ".join((LABEL, *reasons, *requests)), one_line=True)[:1_000],
    )
    return findings, cell


def _read(output: str) -> _Said:
    said = _Said()
    for text in output.split("\n"):
        try:
            line = json.loads(text)
            kind = line["kind"]
        except (ValueError, TypeError, KeyError):  # cut off, or not ours
            continue
        if kind in {"plan", "end"}:
            setattr(said, kind, line)
        elif kind == "hit" and line.get("rule") in FAULTS:
            said.hits.append(line)
        elif kind == "route":
            said.routes.append(line)
    return said


def _findings(said: _Said, target: RawTarget, analysis_type: str) -> list[Finding]:
    routes = said.plan.get("routes", ())
    maker = RouteFindings(FindingMaker(analysis_type=analysis_type, tool=NAME, target=target), routes)
    found = []
    for hit in said.hits:
        fault = FAULTS[hit["rule"]]
        method, _, path = str(hit["endpoint"]).partition(" ")
        found.append(
            maker.make(
                Seen(
                    rule=hit["rule"],
                    method=method,
                    path=path,
                    where=str(hit["where"]),
                    what=str(hit["what"]),
                    evidence=f"{hit['request']}\n---\n{hit['proof']}",
                    severity=fault.severity,
                    confidence=fault.confidence,
                    cwe=fault.cwe,
                    tags=fault.tags,
                )
            )
        )
    return sorted(found, key=lambda finding: (finding.path, finding.line or 0, finding.rule, finding.message))


def _unread(said: _Said) -> list[UnreadFile]:
    files = [
        UnreadFile(path=path, reason=f"routes not known: {why}"[:200])
        for path, why in said.plan.get("unread", ())
    ]
    reasons = {}
    for route in said.routes:
        why = route["skipped"] or _unreached(route) or ("" if route["finished"] else "not finished")
        if why and not (route["crawled"] and _unreached(route)):
            reasons[route["route"]] = why
    if not said.routes:  # it ended before it could tell
        planned = said.plan.get("routes", ())
        reasons = {f"{route['method']} {route['path']}": "not reported" for route in planned}
    return [*files, *(UnreadFile(path=key, reason=why) for key, why in sorted(reasons.items()))]


def _unreached(route: dict[str, Any]) -> str:
    """Return why a route's own code was never reached; empty if it was, as far as answers tell."""
    statuses = dict(route["statuses"])
    kept_out = {"0": "no answer", "401": "401", "403": "403", "405": "405", "429": "429"}
    seen = [kept_out.get(status, "404" if status.startswith("404 as") else "") for status in statuses]
    if not statuses:
        return "not called"
    return "" if "" in seen else f"only {', '.join(sorted(set(seen)))}"


def _judge(run: ToolRun, said: _Said, eligible: int, unread: int) -> tuple[CoverageStatus, list[str]]:
    """Return the status and why. A target that died, or cannot have been tested, is never clean."""
    if run.status is not CoverageStatus.OK:
        return run.status, [run.detail]
    if not said.end:
        last = run.stderr_tail.strip().splitlines()[-1:]
        return CoverageStatus.FAILED, ["it ended without its last line", f"exit code {run.exit_code}", *last]
    reasons = [str(said.end["stopped"])] if said.end["stopped"] else []
    after = str(said.plan.get("after", ""))
    if after or not said.end["alive"]:
        reasons += [after] if after else []
        return (CoverageStatus.PARTIAL if said.hits else CoverageStatus.FAILED), reasons
    if eligible == 0:
        return CoverageStatus.FAILED, ["no route was found, neither in the source nor by links"]
    if unread >= eligible:
        return CoverageStatus.FAILED, [*reasons, "no route was reached"]
    if unread:
        reasons.append(f"{unread} of {eligible} routes not tested")
    return (CoverageStatus.PARTIAL if reasons else CoverageStatus.OK), reasons
