PRAGMA application_id = 1651401265;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE coverage (
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
) STRICT;
INSERT INTO "coverage" VALUES(1,1,1,'atlas',2,'backend_security','bandit','ok',1,1,'[]',NULL,'',0.0,'',0,'');
INSERT INTO "coverage" VALUES(2,1,2,'atlas',2,'backend_security','bandit','ok',1,1,'[]',NULL,'',0.0,'',0,'');
INSERT INTO "coverage" VALUES(3,2,4,'atlas',2,'backend_security','bandit','ok',1,1,'[]',NULL,'',0.0,'',0,'');
CREATE INDEX coverage_by_job ON coverage(job_id);
CREATE INDEX coverage_by_task ON coverage(task_id);
CREATE TABLE findings (
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
    fingerprint TEXT NOT NULL
) STRICT;
INSERT INTO "findings" VALUES(1,1,1,'atlas',2,'backend_security','bandit','B602','high',NULL,78,'backend/app.py',2,1,'subprocess call with shell=True','subprocess.call(input(), shell=True)','e04c0379d78d3fe5');
INSERT INTO "findings" VALUES(2,1,1,'atlas',2,'backend_security','bandit','B101','low',NULL,NULL,'backend/app.py',NULL,1,'subprocess call with shell=True','subprocess.call(input(), shell=True)','d38e263f9d77ae2f');
INSERT INTO "findings" VALUES(3,1,2,'atlas',2,'backend_security','bandit','B602','high',NULL,78,'backend/app.py',2,1,'subprocess call with shell=True','subprocess.call(input(), shell=True)','e04c0379d78d3fe5');
INSERT INTO "findings" VALUES(4,1,2,'atlas',2,'backend_security','bandit','B101','low',NULL,NULL,'backend/app.py',NULL,1,'subprocess call with shell=True','subprocess.call(input(), shell=True)','d38e263f9d77ae2f');
INSERT INTO "findings" VALUES(5,2,4,'atlas',2,'backend_security','bandit','B602','high',NULL,78,'backend/app.py',2,1,'subprocess call with shell=True','subprocess.call(input(), shell=True)','e04c0379d78d3fe5');
CREATE INDEX findings_by_job ON findings(job_id);
CREATE INDEX findings_by_task ON findings(task_id);
CREATE TABLE job_errors (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    task_id INTEGER,
    category TEXT NOT NULL,
    message TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    traceback TEXT NOT NULL,
    details TEXT NOT NULL
) STRICT;
INSERT INTO "job_errors" VALUES(1,1,3,'analysis','it broke','2026-05-04T08:00:00+00:00','','{}');
INSERT INTO "job_errors" VALUES(2,2,NULL,'analysis','it broke','2026-05-04T08:00:00+00:00','','{}');
CREATE INDEX job_errors_by_job ON job_errors(job_id);
CREATE TABLE job_log (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    task_id INTEGER,
    time TEXT NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
INSERT INTO "job_log" VALUES(1,1,1,'2026-11-25T16:35:50.508639+00:00','warning','taking longer than expected: 901 s of at most 1800 s');
INSERT INTO "job_log" VALUES(2,2,NULL,'2026-11-25T16:35:50.514680+00:00','info','paused: no new task is started');
INSERT INTO "job_log" VALUES(3,2,7,'2026-11-25T16:35:50.515109+00:00','info','priority is 5 from now on');
CREATE INDEX job_log_by_job ON job_log(job_id);
CREATE TABLE jobs (
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
) STRICT;
INSERT INTO "jobs" VALUES(1,'ended','as “version 2” wrote it','2026-11-25T16:35:50.500489+00:00','completed','["atlas"]','{"atlas":[1,2,3]}','["gated"]','{}',NULL,'{}',NULL,NULL,'2026-11-25T16:35:50.501945+00:00','2026-11-25T16:35:50.509122+00:00',0,0,0,NULL,4,2,0,2);
INSERT INTO "jobs" VALUES(2,'half','as “version 2” wrote it','2026-11-25T16:35:50.509417+00:00','running','["atlas"]','{"atlas":[1,2,3,4]}','["gated"]','{}',900,'{"gated":600}',2,NULL,'2026-11-25T16:35:50.510016+00:00',NULL,0,1,2,'00000000000000000000000000000000',1,1,0,0);
CREATE TABLE results (
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
) STRICT;
INSERT INTO "results" VALUES(1,1,1,'atlas',1,'gated','completed',2,1,0,1,'2026-11-25T16:35:50.504887+00:00','2026-11-25T16:35:50.505486+00:00',0.000599,'{"a":1}');
INSERT INTO "results" VALUES(2,1,2,'atlas',2,'gated','completed',2,1,0,1,'2026-11-25T16:35:50.506428+00:00','2026-11-25T16:35:50.506912+00:00',0.000484,'{"a":2}');
INSERT INTO "results" VALUES(3,1,3,'atlas',3,'gated','failed',0,0,0,0,'2026-11-25T16:35:50.507605+00:00','2026-11-25T16:35:50.508010+00:00',0.000405,'{}');
INSERT INTO "results" VALUES(4,2,4,'atlas',1,'gated','completed',1,1,0,0,'2026-11-25T16:35:50.512789+00:00','2026-11-25T16:35:50.513186+00:00',0.000397,'{"a":1}');
CREATE INDEX results_by_job ON results(job_id);
CREATE TABLE store (id TEXT NOT NULL) STRICT;
INSERT INTO "store" VALUES('e39ef0ad0c8940aaab21d3194a1cb064');
CREATE TABLE task_counts (
    job_id INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (job_id, status)
) STRICT, WITHOUT ROWID;
INSERT INTO "task_counts" VALUES(1,'completed',2);
INSERT INTO "task_counts" VALUES(1,'failed',1);
INSERT INTO "task_counts" VALUES(1,'pending',0);
INSERT INTO "task_counts" VALUES(1,'running',0);
INSERT INTO "task_counts" VALUES(2,'completed',1);
INSERT INTO "task_counts" VALUES(2,'pending',2);
INSERT INTO "task_counts" VALUES(2,'running',1);
CREATE TABLE tasks (
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
) STRICT;
INSERT INTO "tasks" VALUES(1,1,'atlas',1,'gated','completed','2026-11-25T16:35:50.502541+00:00','2026-11-25T16:35:50.504887+00:00','2026-11-25T16:35:50.505486+00:00',1800,NULL,100,'{"a":1}',0,NULL);
INSERT INTO "tasks" VALUES(2,1,'atlas',2,'gated','completed','2026-11-25T16:35:50.503278+00:00','2026-11-25T16:35:50.506428+00:00','2026-11-25T16:35:50.506912+00:00',1800,NULL,100,'{"a":2}',0,NULL);
INSERT INTO "tasks" VALUES(3,1,'atlas',3,'gated','failed','2026-11-25T16:35:50.503933+00:00','2026-11-25T16:35:50.507605+00:00','2026-11-25T16:35:50.508010+00:00',1800,'{"category":"analysis","message":"it broke","task_id":null,"timestamp":"2026-05-04T08:00:00+00:00","traceback":"","details":{}}',0,'{}',0,NULL);
INSERT INTO "tasks" VALUES(4,2,'atlas',1,'gated','completed','2026-11-25T16:35:50.510414+00:00','2026-11-25T16:35:50.512789+00:00','2026-11-25T16:35:50.513186+00:00',1800,NULL,100,'{"a":1}',0,NULL);
INSERT INTO "tasks" VALUES(5,2,'atlas',2,'gated','running','2026-11-25T16:35:50.510946+00:00','2026-11-25T16:35:50.513795+00:00',NULL,1800,NULL,0,'{}',0,NULL);
INSERT INTO "tasks" VALUES(6,2,'atlas',3,'gated','pending','2026-11-25T16:35:50.511453+00:00',NULL,NULL,1800,NULL,0,'{}',0,NULL);
INSERT INTO "tasks" VALUES(7,2,'atlas',4,'gated','pending','2026-11-25T16:35:50.511938+00:00',NULL,NULL,1800,NULL,0,'{}',5,NULL);
CREATE TRIGGER task_added AFTER INSERT ON tasks BEGIN
    INSERT INTO task_counts VALUES (new.job_id, new.status, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER task_moved AFTER UPDATE OF status ON tasks WHEN old.status <> new.status BEGIN
    UPDATE task_counts SET n = n - 1 WHERE job_id = old.job_id AND status = old.status;
    INSERT INTO task_counts VALUES (new.job_id, new.status, 1)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE INDEX tasks_by_status ON tasks(job_id, status, priority DESC, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',3);
INSERT INTO "sqlite_sequence" VALUES('results',5);
INSERT INTO "sqlite_sequence" VALUES('tasks',8);
COMMIT;
