"""The store's tables. The store is an SQLite file of ours: application id, schema version, exact schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw

APPLICATION_ID = 0x62_6E_62_31  # "bnb1" in the file's header, so that a foreign database is recognised
SCHEMA_VERSION = 4
"""Older stores are brought up by `migrations`; a change here needs a step there."""

STATEMENTS = (
    # One row: a random identity, so that a copy put back is told from another store in its place.
    "CREATE TABLE store (id TEXT NOT NULL) STRICT",
    """CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at TEXT NOT NULL,
    status TEXT NOT NULL,
    models TEXT NOT NULL,
    app_ranges TEXT NOT NULL,
    analysis_types TEXT NOT NULL,
    analysis_options TEXT NOT NULL,
    task_timeout_seconds INTEGER,
    task_timeouts TEXT NOT NULL DEFAULT '{}',
    max_tasks INTEGER,
    continues INTEGER,
    started_at TEXT,
    completed_at TEXT,
    cancellation_requested INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0,
    control INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    issues_total INTEGER NOT NULL DEFAULT 0,
    high_total INTEGER NOT NULL DEFAULT 0,
    medium_total INTEGER NOT NULL DEFAULT 0,
    low_total INTEGER NOT NULL DEFAULT 0
) STRICT""",
    """CREATE TABLE job_errors (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    task_id INTEGER,
    category TEXT NOT NULL,
    message TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    traceback TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT""",
    "CREATE INDEX job_errors_by_job ON job_errors(job_id)",
    """CREATE TABLE job_log (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    task_id INTEGER,
    time TEXT NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT""",
    "CREATE INDEX job_log_by_job ON job_log(job_id)",
    """CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    app_num INTEGER NOT NULL,
    analysis_type TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT,
    completed_at TEXT,
    timeout_seconds INTEGER NOT NULL,
    error TEXT,
    progress INTEGER NOT NULL,
    result_details TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 0,
    wish TEXT,
    UNIQUE (job_id, model, app_num, analysis_type)
) STRICT""",
    "CREATE INDEX tasks_by_status ON tasks(job_id, status, priority DESC, id)",
    # Counted by the database itself, so that the counts cannot disagree with the tasks.
    """CREATE TABLE task_counts (
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (job_id, status)
) STRICT, WITHOUT ROWID""",
    """CREATE TRIGGER task_added AFTER INSERT ON tasks BEGIN
    INSERT INTO task_counts VALUES (new.job_id, new.status, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END""",
    """CREATE TRIGGER task_moved AFTER UPDATE OF status ON tasks WHEN old.status <> new.status BEGIN
    UPDATE task_counts SET n = n - 1 WHERE job_id = old.job_id AND status = old.status;
    INSERT INTO task_counts VALUES (new.job_id, new.status, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END""",
    """CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    task_id INTEGER NOT NULL UNIQUE REFERENCES tasks(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    app_num INTEGER NOT NULL,
    analysis_type TEXT NOT NULL,
    status TEXT NOT NULL,
    issues_count INTEGER NOT NULL,
    high_severity INTEGER NOT NULL,
    medium_severity INTEGER NOT NULL,
    low_severity INTEGER NOT NULL,
    scan_start_time TEXT,
    scan_end_time TEXT,
    duration_seconds REAL,
    details TEXT NOT NULL
) STRICT""",
    "CREATE INDEX results_by_job ON results(job_id)",
    """CREATE TABLE findings (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    task_id INTEGER NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    app_num INTEGER NOT NULL,
    analysis_type TEXT NOT NULL,
    tool TEXT NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    confidence TEXT,
    cwe INTEGER,
    path TEXT NOT NULL,
    line INTEGER,
    column INTEGER,
    message TEXT NOT NULL,
    snippet TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    clone_key TEXT NOT NULL DEFAULT ''
) STRICT""",
    "CREATE INDEX findings_by_job ON findings(job_id)",
    "CREATE INDEX findings_by_task ON findings(task_id)",
    """CREATE TABLE measurements (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    task_id INTEGER NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    app_num INTEGER NOT NULL,
    analysis_type TEXT NOT NULL,
    tool TEXT NOT NULL,
    metric TEXT NOT NULL,
    subject TEXT NOT NULL,
    value REAL,
    unit TEXT NOT NULL,
    low REAL,
    high REAL,
    samples INTEGER,
    detail TEXT NOT NULL
) STRICT""",
    "CREATE INDEX measurements_by_job ON measurements(job_id)",
    "CREATE INDEX measurements_by_task ON measurements(task_id)",
    """CREATE TABLE coverage (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    task_id INTEGER NOT NULL REFERENCES tasks(id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    app_num INTEGER NOT NULL,
    analysis_type TEXT NOT NULL,
    tool TEXT NOT NULL,
    status TEXT NOT NULL,
    files_eligible INTEGER NOT NULL,
    files_seen INTEGER NOT NULL,
    unread TEXT NOT NULL,
    exit_code INTEGER,
    tool_version TEXT NOT NULL,
    seconds REAL NOT NULL,
    stderr_tail TEXT NOT NULL,
    cached INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT""",
    "CREATE INDEX coverage_by_job ON coverage(job_id)",
    "CREATE INDEX coverage_by_task ON coverage(task_id)",
    # Of no job: a decision outlives the jobs that it was made on.
    """CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    author TEXT NOT NULL,
    decided_at TEXT NOT NULL,
    expires_at TEXT,
    withdrawn_at TEXT,
    withdrawn_by TEXT NOT NULL,
    withdrawn_because TEXT NOT NULL,
    model TEXT NOT NULL,
    app_num INTEGER NOT NULL,
    message TEXT NOT NULL,
    members TEXT NOT NULL
) STRICT""",
)


def statements_of(db: apsw.Connection) -> set[str]:
    """Return the statements that made the tables, views, indexes and triggers of a database."""
    found = {str(sql) for (sql,) in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    return found - {"CREATE TABLE sqlite_sequence(name,seq)"}  # SQLite's own
