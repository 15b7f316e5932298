"""What was and was not measured, in SARIF: invocations and notifications. Plain dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchnb.records import CoverageStatus
from batchnb.results.gaps import COVERAGE_WORDS, find_gaps
from batchnb.results.sarif.pieces import app_uri, cell_of
from batchnb.results.sarif.words import BASE_ID, NOTICE_LEVELS

if TYPE_CHECKING:
    from batchnb.records import Coverage
    from batchnb.results.sarif.pieces import Row

_OWN_NOTICES = {
    "not_measured": ("error", "No tool reported about the app"),
    "not_applicable": ("note", "The app has nothing for the analysis"),
    "not_remeasured": ("warning", "Findings of the earlier run that may still be there"),
}


def notices(*, own: bool) -> list[Row]:
    """Return the descriptors of the notifications of a tool's run, or of the one about what no tool told."""
    told = (
        _OWN_NOTICES
        if own
        else {
            status: (NOTICE_LEVELS[status], f"The tool's work for one app: {COVERAGE_WORDS[status]}")
            for status in CoverageStatus
        }
    )
    return [
        {
            "id": str(name),
            "shortDescription": {"text": text},
            "defaultConfiguration": {"level": level},
        }
        for name, (level, text) in told.items()
    ]


def invocation(cell: Coverage, row: Row, number: int) -> Row:
    """Return what a tool did for one app as a SARIF invocation; all that is not complete is a notification.

    Args:
        cell: the cell of coverage.
        row: the same, as a row of the coverage frame; it is kept whole.
        number: its row in that frame.
    """
    made: Row = {
        "executionSuccessful": cell.status.is_measured or cell.status is CoverageStatus.NOT_APPLICABLE
    }
    if cell.exit_code is not None:
        made["exitCode"] = cell.exit_code
    if gaps := find_gaps([cell]):
        app = f"{cell.model} app {cell.app_num}"
        status = COVERAGE_WORDS[cell.status]
        made["toolExecutionNotifications"] = [
            {
                "descriptor": {"id": str(cell.status), "index": list(CoverageStatus).index(cell.status)},
                "level": NOTICE_LEVELS[cell.status],
                "message": {"text": f"{app}: {gaps[0].text}".replace("](", "] (")},
                "locations": [_app_location(cell.model, cell.app_num)],
                "properties": cell_of(row) | {"status": str(cell.status), "meaning": status},
            }
        ]
    return made | {"properties": cell_of(row) | {"row": number, "coverage": row}}


def _app_location(model: str, app_num: int) -> Row:
    uri = {"uri": app_uri(model, app_num), "uriBaseId": BASE_ID}
    return {"physicalLocation": {"artifactLocation": uri}}


def notice(gap_id: str, level: str, text: str, model: str, app_num: int, **properties: Any) -> Row:
    """Return a notification about one app that stands outside of any cell of coverage."""
    return {
        "descriptor": {"id": gap_id},
        "level": level,
        "message": {"text": text.replace("](", "] (")},
        "locations": [_app_location(model, app_num)],
        "properties": {"model": model, "appNum": app_num, **properties},
    }
