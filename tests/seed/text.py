"""What the specification says in tables, examples and drawings, word for word, as data for test_seed.py."""

from __future__ import annotations

import json
from datetime import datetime

from batchnb.records import JobError, JobStatus, TaskStatus

NOW = "the time of its creation"
REQUIRED = "must be given"
"""For the seed's "Default: None" where None is no valid value."""
TIME = (datetime, type(None))

# Per field: the seed's line, the Python type of its values, its default. An analysis type is a string by
# the product page: "a plug-in's key" needs no member of the enum.
JOB_FIELDS = (
    ("id: int [positive]", int, 1),
    ("name: str", str, "Batch Job 1"),
    ("description: str", str, ""),
    ("created_at: datetime", datetime, NOW),
    ("status: JobStatus", JobStatus, JobStatus.PENDING),
    ("models: List[str]", list, []),
    ("app_ranges: Dict[str, List[int]]", dict, {}),
    ("analysis_types: List[AnalysisType]", list, []),
    ("analysis_options: Dict[str, Any]", dict, {}),
    ("started_at: Optional[datetime]", TIME, None),
    ("completed_at: Optional[datetime]", TIME, None),
    ("total_tasks: int", int, 0),
    ("completed_tasks: int", int, 0),
    ("results_summary: Dict[str, Any]", dict, {}),
    ("errors: List[JobError]", list, []),
    ("task_count_by_status: Dict[str, int]", dict, {}),
    ("cancellation_requested: bool", bool, False),
)
TASK_FIELDS = (
    ("id: int [positive]", int, 1),
    ("job_id: int [positive]", int, REQUIRED),
    ("model: str", str, REQUIRED),
    ("app_num: int [positive]", int, REQUIRED),
    ("analysis_type: AnalysisType", str, REQUIRED),
    ("status: TaskStatus", TaskStatus, TaskStatus.PENDING),
    ("created_at: datetime", datetime, NOW),
    ("started_at: Optional[datetime]", TIME, None),
    ("completed_at: Optional[datetime]", TIME, None),
    ("timeout_seconds: int", int, 1800),
    ("error: Optional[JobError]", (JobError, type(None)), None),
    ("progress: int", int, 0),
    ("result_details: Dict[str, Any]", dict, {}),
)
RESULT_FIELDS = (
    ("id: int [positive]", int, 1),
    ("job_id: int [positive]", int, REQUIRED),
    ("task_id: int [positive]", int, REQUIRED),
    ("model: str", str, REQUIRED),
    ("app_num: int [positive]", int, REQUIRED),
    ("analysis_type: AnalysisType", str, REQUIRED),
    ("status: str", str, REQUIRED),
    ("issues_count: int", int, 0),
    ("high_severity: int", int, 0),
    ("medium_severity: int", int, 0),
    ("low_severity: int", int, 0),
    ("scan_start_time: Optional[datetime]", TIME, None),
    ("scan_end_time: Optional[datetime]", TIME, None),
    ("duration_seconds: Optional[float]", (float, type(None)), None),
    ("details: Dict[str, Any]", dict, {}),
)

JOB_EXAMPLE = json.loads("""
{
  "id": 42,
  "name": "Security Scan - GPT Models",
  "description": "Full security analysis of all GPT apps",
  "status": "running",
  "models": ["gpt-3", "gpt-4"],
  "app_ranges": {"gpt-3": [1, 2, 3], "gpt-4": [1, 2]},
  "analysis_types": ["frontend_security", "backend_security"],
  "analysis_options": {
    "frontend_security": {"full_scan": true},
    "backend_security": {"full_scan": false}
  },
  "total_tasks": 10,
  "completed_tasks": 4,
  "created_at": "2025-05-01T14:30:00Z",
  "started_at": "2025-05-01T14:35:00Z"
}
""")
TASK_EXAMPLE = json.loads("""
{
  "id": 123,
  "job_id": 42,
  "model": "gpt-3",
  "app_num": 2,
  "analysis_type": "frontend_security",
  "status": "running",
  "created_at": "2025-05-01T14:36:00Z",
  "started_at": "2025-05-01T14:38:00Z",
  "timeout_seconds": 1800,
  "progress": 45
}
""")
RESULT_EXAMPLE = json.loads("""
{
  "id": 456,
  "job_id": 42,
  "task_id": 123,
  "model": "gpt-3",
  "app_num": 2,
  "analysis_type": "frontend_security",
  "status": "completed",
  "issues_count": 17,
  "high_severity": 3,
  "medium_severity": 8,
  "low_severity": 6,
  "scan_start_time": "2025-05-01T14:38:00Z",
  "scan_end_time": "2025-05-01T14:42:30Z",
  "duration_seconds": 270
}
""")
STATUS_EXAMPLE = json.loads("""
{
  "job": {
    "id": 42,
    "name": "Security Scan",
    "status": "running",
    "models": ["gpt-3", "gpt-4"],
    "app_ranges": {"gpt-3": [1, 2, 3], "gpt-4": [1, 2]},
    "analysis_types": ["frontend_security"],
    "analysis_options": {"frontend_security": {"full_scan": true}},
    "total_tasks": 5,
    "completed_tasks": 2
  },
  "progress": {
    "total": 5,
    "completed": 2,
    "percent": 40,
    "by_status": {"pending": 3, "completed": 2}
  },
  "results_summary": {"issues_total": 8, "high_total": 1},
  "active_tasks_count": 2
}
""")

# [PENDING] -> [QUEUED] -> [INITIALIZING] -> [RUNNING] -> [COMPLETED]
#        └-> [ERROR]               └-> [CANCELLING] -> [CANCELLED]
#                                  └-> [FAILED]
ARROWS = {
    ("pending", "queued"),
    ("queued", "initializing"),
    ("initializing", "running"),
    ("running", "completed"),
    ("pending", "error"),
    *((old, new) for old in ("initializing", "running") for new in ("cancelling", "failed")),
    ("cancelling", "cancelled"),
    # start_job: "Updates job status to INITIALIZING", also of a job that needs not wait
    ("pending", "initializing"),
    # cancel_job: "sets status to CANCELLING if running", and a queued job does not run
    ("queued", "cancelled"),
    # product page: "ERROR if the engine itself broke or its process died", whenever that is
    *((old, "error") for old in ("queued", "initializing", "running", "cancelling")),
}
WAYS = {
    "pending": (),
    "queued": ("queued",),
    "initializing": ("initializing",),
    "running": ("initializing", "running"),
    "cancelling": ("initializing", "cancelling"),
    "cancelled": ("initializing", "cancelling", "cancelled"),
    "completed": ("initializing", "running", "completed"),
    "failed": ("initializing", "failed"),
    "error": ("error",),
}
"""How a job comes into each status."""


def with_times(example, **more):
    """Return an example of the seed with its times as such."""
    times = {
        name: datetime.fromisoformat(value)
        for name, value in example.items()
        if name.endswith(("_at", "_time"))
    }
    return {**example, **times, **more}
