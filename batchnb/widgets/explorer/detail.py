"""Everything about one row: message, source, every tool's evidence, and what was decided about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.results.identity import cwe_tree
from batchnb.results.text import shorten
from batchnb.tools.text import visible
from batchnb.widgets.explorer.kinds import place_text, verdict_text, word
from batchnb.widgets.explorer.snippet import present_snippet

if TYPE_CHECKING:
    import pandas as pd

    from batchnb.widgets.explorer.loaded import Loaded

MOST_EVIDENCE = 20
_TEXT, _LINE = 2_000, 200


def present_detail(loaded: Loaded, name: str, position: int) -> dict[str, Any]:
    """Return what the page shows of row `position` of sheet `name`: plain data, nothing invisible in it."""
    row = loaded.sheets[name].frame.iloc[position]
    shown: dict[str, Any] = {
        "title": f"{word(row['severity'])}: {_line(row['model'])} app {word(row['app_num'])}",
        "place": _line(place_text(row["path"], row["line"])),
        "message": shorten(visible(word(row["message"])), _TEXT),
        "cwe": _cwe(row["cwe"]),
        "tags": _line(row["tags"]),
        "facts": [],
        "evidence": [],
        "evidence_more": 0,
        "decision": None,
        "can_decide": name != "comparison",
    }
    if name == "comparison":
        return {**shown, "facts": _change(row), "snippet": []}
    findings = loaded.sheets["findings"].frame
    members = findings[(findings["consensus_id"] == row["consensus_id"]).to_numpy(dtype=bool, na_value=False)]
    source = row if name == "findings" else members.iloc[0]
    return {
        **shown,
        "snippet": present_snippet(word(source["snippet"]), word(source["path"])),
        "evidence": [_evidence(each) for each in _rows(members.head(MOST_EVIDENCE))],
        "evidence_more": max(0, len(members) - MOST_EVIDENCE),
        "decision": _decision(loaded, row["decision_id"]),
    }


def _rows(frame: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in frame.iterrows()]


def _line(value: object) -> str:
    return shorten(visible(word(value), one_line=True), _LINE)


def _cwe(value: Any) -> dict[str, Any] | None:
    if not word(value):
        return None
    number = int(value)
    return {"number": number, "title": cwe_tree.title(number), "top10": cwe_tree.owasp_top10(number) or ""}


def _evidence(row: pd.Series) -> dict[str, Any]:
    return {
        "tool": _line(row["tool"]),
        "rule": _line(row["rule"]),
        "severity": word(row["severity"]),
        "confidence": word(row["confidence"]),
        "cwe": word(row["cwe"]),
        "line": word(row["line"]),
        "message": shorten(visible(word(row["message"])), 400),
    }


def _change(row: pd.Series) -> list[list[str]]:
    facts = [
        ("State", row["state"]),
        ("Why unknown", row["reason"]),
        ("Tool, rule", f"{word(row['tool'])} {word(row['rule'])}"),
        ("Before", place_text(row["path_before"], row["line_before"])),
        ("Now", place_text(row["path_after"], row["line_after"])),
        ("Severity before", row["severity_before"]),
        ("Recognised by", row["recognised"]),
    ]
    return [[label, _line(value)] for label, value in facts if word(value)]


def _decision(loaded: Loaded, value: Any) -> dict[str, Any] | None:
    decision = loaded.decisions.get(int(value)) if word(value) else None
    if decision is None:
        return None
    return {
        "id": decision.id,
        "verdict": verdict_text(decision.verdict),
        "reason": shorten(visible(decision.reason), _TEXT),
        "author": _line(decision.author),
        "decided": f"{decision.decided_at:%Y-%m-%d %H:%M} UTC",
        "expires": f"{decision.expires_at:%Y-%m-%d}" if decision.expires_at else "",
    }
