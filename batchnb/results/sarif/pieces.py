"""Rules and results of a SARIF run: plain dictionaries, made of rows of our frames."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from batchnb.records import Severity
from batchnb.results.identity import cwe_tree
from batchnb.results.sarif.words import (
    BASE_ID,
    CLONE_KEY,
    FINGERPRINT,
    LEVELS,
    SCORES,
)
from batchnb.results.severity import SEVERITY_RANK

if TYPE_CHECKING:
    from collections.abc import Iterable

    Row = dict[str, Any]
    """A row of the findings or coverage frame: column name -> plain value, None if missing."""

_CWE = {"name": "CWE", "index": 0}


def rules(rows: Iterable[Row]) -> list[Row]:
    """Return the descriptors of the rules that occur in `rows` (of one tool and analysis), by id."""
    severities: dict[str, set[Severity]] = defaultdict(set)
    weaknesses: dict[str, set[int]] = defaultdict(set)
    security = False
    for row in rows:
        severities[row["rule"]].add(Severity(row["severity"]))
        if row["cwe"] is not None:
            weaknesses[row["rule"]].add(row["cwe"])
        security = security or _is_security(row["analysis_type"])
    return [
        _rule(rule, min(found, key=SEVERITY_RANK.__getitem__), sorted(weaknesses[rule]), security=security)
        for rule, found in sorted(severities.items())
    ]


def _rule(rule: str, worst: Severity, weaknesses: list[int], *, security: bool) -> Row:
    tags = [f"external/cwe/cwe-{cwe:03d}" for cwe in weaknesses]
    properties: Row = {"tags": tags}
    if weaknesses or security:
        properties = {"tags": ["security", *tags], "security-severity": SCORES[worst]}
    # Of a rule with one weakness every result is an instance of it; of one with several only some are.
    kinds = ["superset"] if len(weaknesses) == 1 else ["relevant"]
    text = "; ".join(cwe_tree.title(cwe) for cwe in weaknesses) or rule
    made: Row = {
        "id": rule,
        "shortDescription": {"text": text},
        "defaultConfiguration": {"level": LEVELS[worst]},
        "properties": properties,
    }
    if weaknesses:
        made["relationships"] = [
            {"target": {"id": f"CWE-{cwe}", "toolComponent": _CWE}, "kinds": kinds} for cwe in weaknesses
        ]
    return made


def _is_security(analysis_type: str) -> bool:
    return "security" in analysis_type or analysis_type == "zap"


def cwe_taxonomy(weaknesses: Iterable[int]) -> Row:
    """Return the part of the CWE list that a run speaks about."""
    return {
        "name": "CWE",
        "organization": "MITRE",
        "version": cwe_tree.version(),
        "informationUri": "https://cwe.mitre.org/",
        "shortDescription": {"text": "The MITRE Common Weakness Enumeration"},
        "isComprehensive": False,
        "taxa": [
            {
                "id": f"CWE-{cwe}",
                "helpUri": f"https://cwe.mitre.org/data/definitions/{cwe}.html",
                "shortDescription": {"text": cwe_tree.name(cwe) or f"CWE-{cwe}"},
            }
            for cwe in sorted(set(weaknesses))
        ],
    }


def app_uri(model: str, app_num: int) -> str:
    """Return the folder of an app as a relative URI, with a slash at its end."""
    return f"{_segment(model)}/app{app_num}/"


def result(row: Row, rule_index: int, number: int) -> Row:
    """Return one finding as a SARIF result.

    What SARIF cannot hold as it is (a path with `..` in it, a message with the syntax of a link, line 0) is
    replaced in its place by the nearest harmless value, and stands under `properties.exact` as it was.

    Args:
        row: the finding.
        rule_index: its rule's place among the run's rules.
        number: its row in the findings frame, by which the order is found again.
    """
    exact: Row = {}
    message = row["message"].replace("](", "] (") or row["rule"]
    if message != row["message"]:
        exact["message"] = row["message"]
    made = {
        "ruleId": row["rule"],
        "ruleIndex": rule_index,
        "level": LEVELS[Severity(row["severity"])],
        "message": {"text": message},
        "locations": [{"physicalLocation": _location(row, exact)}],
        "partialFingerprints": {FINGERPRINT: row["fingerprint"], CLONE_KEY: row["clone_key"]},
    }
    if row["cwe"] is not None:
        made["taxa"] = [{"id": f"CWE-{row['cwe']}", "toolComponent": _CWE}]
    properties = cell_of(row) | {"row": number}
    if row["confidence"] is not None:
        properties["confidence"] = row["confidence"]
    if row["tags"]:
        properties["tags"] = list(dict.fromkeys(row["tags"].split()))
    if exact:
        properties["exact"] = exact
    return made | {"properties": properties} | _suppression(row, properties)


def _location(row: Row, exact: Row) -> Row:
    path = _path_uri(row["path"])
    if path is None:
        exact["path"] = row["path"]
        path = "/".join(_segment(part) for part in row["path"].split("/"))
    artifact = {"uri": app_uri(row["model"], row["app_num"]) + path, "uriBaseId": BASE_ID}
    line, column = row["line"], row["column"]
    if line is None or line < 1:
        exact |= {name: row[name] for name in ("line", "column") if row[name] is not None}
        exact |= {"snippet": row["snippet"]} if row["snippet"] else {}
        return {"artifactLocation": artifact}
    region: Row = {"startLine": line}
    if column is not None and column >= 1:
        region["startColumn"] = column
    elif column is not None:
        exact["column"] = column
    if row["snippet"]:
        region["snippet"] = {"text": row["snippet"]}
    return {"artifactLocation": artifact, "region": region}


def _path_uri(path: str) -> str | None:
    """Return a path as a URI; None if a reader would resolve it to another place."""
    parts = path.split("/")
    if path and not {"", ".", ".."}.isdisjoint(parts):
        return None
    return "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)


def _segment(name: str) -> str:
    return "_" if name in {"", ".", ".."} else quote(name, safe="", errors="surrogatepass")


def cell_of(row: Row) -> Row:
    """Return which job, task, app and analysis a row belongs to, as properties."""
    cell = {"model": row["model"], "appNum": row["app_num"], "analysisType": row["analysis_type"]}
    ids = {"jobId": row["job_id"], "taskId": row["task_id"]}
    return cell | {name: value for name, value in ids.items() if value is not None}


def _suppression(row: Row, properties: Row) -> Row:
    """Return the suppression of a finding that somebody decided not to act on; of others nothing."""
    verdict = row.get("verdict")
    if not verdict:
        return {}
    properties["verdict"] = verdict
    if verdict not in {"false_positive", "accepted"}:
        return {}
    reason = row.get("verdict_reason") or verdict
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": reason}]}
