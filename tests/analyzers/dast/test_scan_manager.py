"""Scans that are started, asked about and stopped one by one, outside any job."""

import threading

import pytest
from sites import PAGES, data
from support import PATIENCE

from batchnb.analyzers.zap import ScanManager
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.storage import JobStorage
from batchnb.records.errors import InvalidValueError, UnknownNameError


def test_a_scan_of_its_own_is_started_told_and_ended(base, serve):
    manager = ScanManager(base)
    scan = manager.create_scan("m", 1, {"address": serve(PAGES).url})
    status = manager.wait(scan, PATIENCE)

    assert (status["status"], status["progress"], status["error"]) == ("completed", 100, "")
    assert status["tool_status"] == {"probe": "partial"}
    assert any(issue["rule"] == "reflected-xss" for issue in status["issues"])
    assert manager.get_scan_status(scan) == status


def test_a_scan_can_be_stopped(base, serve):
    reached, release = threading.Event(), threading.Event()

    def slow(_):
        reached.set()
        release.wait(PATIENCE)
        return data({})

    manager = ScanManager(base)
    scan = manager.create_scan("m", 1, {"address": serve({"GET /item": slow}).url})
    assert reached.wait(PATIENCE)
    assert manager.get_scan_status(scan)["status"] == "running"
    manager.stop(scan)
    status = manager.wait(scan, PATIENCE)
    release.set()

    assert status["status"] == "stopped"
    assert status["tool_status"]["probe"] == "cancelled"


def test_what_is_not_there_is_refused(base):
    manager = ScanManager(base)
    with pytest.raises(InvalidValueError, match="no m/app9"):
        manager.create_scan("m", 9)
    with pytest.raises(InvalidValueError):
        manager.create_scan("m", 1, {"probe_minutes": 0})
    for call in (manager.get_scan_status, manager.stop):
        with pytest.raises(UnknownNameError):
            call("7")


def test_a_manager_can_be_the_service_of_a_job(base, serve):
    storage = JobStorage()
    service = BatchAnalysisService(storage, base, services={"scan_manager": ScanManager(base)})
    options = {"zap": {"address": serve(PAGES).url}}
    job_id = storage.create_job(
        {"models": ["m"], "app_ranges": {"m": [1]}, "analysis_types": ["zap"], "analysis_options": options}
    ).id

    assert service.start_job(job_id)
    assert service.wait(job_id, 60)

    assert storage.get_job(job_id).task_count_by_status == {"completed": 1}
    assert {cell.tool for cell in storage.get_coverage(job_id)} == {"probe"}
    service.close()
    storage.close()
