from __future__ import annotations

import threading
from dataclasses import replace

import pandas as pd
import pytest
from filled import end_task, fill, odd_findings, opened

from batchnb.engine import bulk
from batchnb.engine.bulk import read_snapshot
from batchnb.records.errors import InvalidValueError, StorageError
from batchnb.records.snapshot import Snapshot
from batchnb.results.bulk.bulk_frames import blocks_frame, frames_of
from batchnb.results.frames import (
    coverage_frame,
    findings_frame,
    jobs_frame,
    measurements_frame,
    results_frame,
    tasks_frame,
)


@pytest.fixture(params=["file", "memory"])
def storage(request, tmp_path):
    storage = opened(request.param, tmp_path)
    yield storage
    storage.close()


def one_by_one(storage, job_ids):
    """Return the frames of the records as the storage gives them, one object each."""

    def every(get):
        return [record for job_id in job_ids for record in get(job_id)]

    return {
        "jobs": jobs_frame(storage.get_jobs(job_ids)),
        "tasks": tasks_frame(every(storage.get_tasks)),
        "results": results_frame(every(storage.get_results)),
        "coverage": coverage_frame(every(storage.get_coverage)),
        "findings": findings_frame(every(storage.get_findings)),
        "measurements": measurements_frame(every(storage.get_measurements)),
    }


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame)


@pytest.mark.parametrize("rows", [7, 5_000])
def test_the_frames_are_those_of_the_records(storage, rows, monkeypatch):
    monkeypatch.setattr(bulk, "BLOCK_ROWS", rows)
    first, second = fill(storage), fill(storage, models=("a",))
    for job_ids in ([first], [second, first]):
        frames = frames_of(read_snapshot(storage, job_ids))
        assert_same(frames, one_by_one(storage, job_ids))
        assert len(frames["findings"]) == 60 * len(frames["tasks"])
        assert frames["measurements"]["value"].isna().any()


def test_nothing_gives_empty_frames(storage):
    job = storage.create_job({"models": ["a"]})
    assert_same(frames_of(read_snapshot(storage, [job.id])), one_by_one(storage, [job.id]))
    assert_same(frames_of(read_snapshot(storage, [99])), one_by_one(storage, []))
    assert_same(frames_of(Snapshot()), one_by_one(storage, []))


def test_a_column_of_nothing_but_missing_values(storage):
    def bare(model, number):
        return [
            replace(each, confidence=None, cwe=None, line=None, column=None, tags=(), snippet="")
            for each in odd_findings(model, number)
        ]

    job_id = fill(storage, models=("a",), findings=bare)
    frames = frames_of(read_snapshot(storage, [job_id]))
    assert_same(frames, one_by_one(storage, [job_id]))
    assert frames["findings"][["confidence", "cwe", "line", "column"]].isna().all(axis=None)


def test_only_what_was_asked_for_is_read(storage):
    job_id = fill(storage, models=("a",))
    snapshot = read_snapshot(storage, [job_id], ["findings"])
    assert snapshot.findings
    others = (snapshot.jobs, snapshot.tasks, snapshot.results, snapshot.coverage, snapshot.measurements)
    assert not any(others)


def test_a_look_while_a_job_writes_is_of_one_instant(storage):
    """Each task ends with its findings in one step: no snapshot may have the one without the other."""
    job = storage.create_job({"models": ["a"]})
    cells = [("a", number, "backend_security") for number in range(1, 25)]
    ids = storage.create_tasks(job.id, cells)
    seen = threading.Event()

    def write():
        for task_id, (model, number, _) in zip(ids, cells, strict=True):
            end_task(storage, task_id, model, number, odd_findings(model, number)[:9])
            if number == 3:
                seen.wait(30)  # so that at least one look falls between two endings

    writer = threading.Thread(target=write)
    writer.start()
    sizes = set()
    while writer.is_alive() or not sizes:
        frames = frames_of(read_snapshot(storage, [job.id]))
        ended = len(frames["results"])
        assert len(frames["findings"]) == 9 * ended == frames["results"]["issues_count"].sum()
        assert len(frames["coverage"]) == ended == (frames["tasks"]["status"] == "completed").sum()
        sizes.add(ended)
        seen.set()
    writer.join()
    assert max(sizes) <= len(cells)


def blocks_of(storage):
    return read_snapshot(storage, [fill(storage, models=("a",), apps=(1,))], ["findings"]).findings


@pytest.mark.parametrize(
    "damage",
    [
        lambda block: replace(block, texts={**block.texts, "message": block.texts["message"] + b"x"}),
        lambda block: replace(block, texts={**block.texts, "rule": b"\xff" * len(block.texts["rule"])}),
        lambda block: replace(block, numbers=block.numbers.replace(b",", b";")),
        lambda block: replace(block, numbers=block.numbers.replace(b",79,", b",x,")),
    ],
)
def test_a_damaged_block_is_told_and_never_read_as_text(storage, damage):
    with pytest.raises(StorageError, match="damaged"):
        blocks_frame("findings", [damage(block) for block in blocks_of(storage)])


def test_a_word_outside_the_vocabulary_is_refused(storage):
    (block,) = blocks_of(storage)
    odd = replace(block, texts={**block.texts, "severity": block.texts["severity"].replace(b"high", b"fine")})
    with pytest.raises(InvalidValueError, match=r"severity 'fine'.*low, medium, high"):
        blocks_frame("findings", [odd])


def test_broken_json_in_the_store_is_told(tmp_path):
    storage = opened("file", tmp_path)
    job_id = fill(storage, models=("a",), apps=(1,))
    storage._database.write(lambda db: db.execute("UPDATE findings SET tags = '[' WHERE id = 5"))
    with pytest.raises(StorageError, match="JSON"):
        read_snapshot(storage, [job_id])
    storage.close()
