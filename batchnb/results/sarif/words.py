"""The words that our SARIF files are written with, and read by."""

from __future__ import annotations

from batchnb.records import CoverageStatus, Severity

SARIF_VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
OWN = "batchnb"
"""Property of the log that tells our files from others; driver of the run about what no tool reported."""
FORMAT = 1
"""Version of what is under `OWN`; a reader refuses a newer one."""
BASE_ID = "APPS"
"""The folder with `<model>/app<N>`. Its own place is not told: it says something about a machine."""
FINGERPRINT = "batchnb/v1"
CLONE_KEY = "batchnb/clone/v1"
LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
SEVERITIES = {level: severity for severity, level in LEVELS.items()}
SCORES = {Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""`security-severity`: the middle of what code scanning calls high, medium and low."""
NOTICE_LEVELS = {
    CoverageStatus.OK: "warning",  # it says "ok", yet files are missing
    CoverageStatus.PARTIAL: "warning",
    CoverageStatus.NOT_APPLICABLE: "note",
    CoverageStatus.TOOL_MISSING: "error",
    CoverageStatus.OFFLINE: "error",
    CoverageStatus.FAILED: "error",
    CoverageStatus.TIMED_OUT: "error",
    CoverageStatus.CANCELLED: "warning",
}
"""How loudly a cell of coverage that is not complete is told."""
