"""Raw output beside the store: in a folder of its own, never behind a link, gone when nothing names it."""

from contextlib import closing
from pathlib import Path

import pytest
from gated import raises
from support import result

from batchnb.analyzers.registry import AnalyzerRegistry
from batchnb.engine.reparse import reparse
from batchnb.engine.storage import JobStorage
from batchnb.records import ErrorCategory, JobStatus, TaskStatus
from batchnb.records.errors import InvalidValueError, ReportError

LINKS = pytest.mark.parametrize("level", ["folder", "job"])


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / ".batchnb"
    folder.mkdir()
    return folder / "store.db"


@pytest.fixture
def storage(place):
    with closing(JobStorage(place)) as storage:
        yield storage


@pytest.fixture
def precious(tmp_path):
    """Return a folder of somebody else's that has what a careless deletion would take."""
    (tmp_path / "precious" / "1").mkdir(parents=True)
    (tmp_path / "precious" / "1" / "file").write_text("mine")
    (tmp_path / "precious" / "file").write_text("mine")
    return tmp_path / "precious"


def plant(storage, level, target):
    """Put a link to somebody's folder in the place of the raw output of all jobs, or of job 1."""
    link = storage.raw_folder if level == "folder" else storage.raw_folder / "1"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    return link


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def kept(context):
    context.raw_file.parent.mkdir(parents=True, exist_ok=True)
    context.raw_file.write_text("raw")


def test_two_stores_of_one_stem_have_a_folder_each(place):
    with closing(JobStorage(place)) as one, closing(JobStorage(place.with_suffix(".sqlite"))) as two:
        assert (one.raw_folder.name, two.raw_folder.name) == ("store.db.raw", "store.sqlite.raw")
    assert JobStorage().raw_folder is JobStorage().raw_folder_of(1) is None


def test_it_is_beside_a_store_that_was_named_from_where_the_process_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(JobStorage(Path("store.db"))) as storage:
        assert storage.raw_folder == tmp_path / "store.db.raw"


class TestLinks:
    @LINKS
    def test_a_job_is_not_deleted_behind_one(self, storage, precious, level):
        storage.create_job({})
        link = plant(storage, level, precious)

        with pytest.raises(InvalidValueError, match="is a link; remove that") as caught:
            storage.delete_job(1)

        assert repr(str(link)) in str(caught.value)
        assert contents(precious) == ["1", "1/file", "file"]
        assert storage.get_job(1) is not None
        link.unlink()
        assert storage.delete_job(1)

    @LINKS
    def test_a_job_says_so_and_runs_nothing(self, make_bench, storage, precious, level):
        link = plant(storage, level, precious)
        bench = make_bench(storage=storage)
        bench.analyzer.scripts = {1: lambda app, context: kept(context)}

        job = bench.run()

        assert (job.status, job.total_tasks) == (JobStatus.FAILED, 0)
        (error,) = job.errors
        assert error.category is ErrorCategory.VALIDATION
        assert repr(str(link)) in error.message
        assert contents(precious) == ["1", "1/file", "file"]

    @LINKS
    def test_one_that_is_planted_while_a_job_runs_fails_the_tasks_that_follow(
        self, make_bench, storage, precious, level
    ):
        bench = make_bench({"m": [1, 2]}, storage=storage, max_tasks=1)

        def script(app, context):
            plant(storage, level, precious)
            raise LookupError

        bench.analyzer.scripts = {1: script}
        job = bench.run(apps=(1, 2))

        assert job.task_count_by_status == {"failed": 2}
        assert "is a link" in bench.task(job, app_num=2).error.message
        assert contents(precious) == ["1", "1/file", "file"]

    @LINKS
    def test_nothing_is_read_behind_one(self, storage, precious, level, tmp_path):
        ended_with(storage, "1/file")
        plant(storage, level, precious if level == "folder" else precious / "1")

        with pytest.raises(InvalidValueError, match="is a link"):
            read_again(storage, tmp_path)


def ended_with(storage, name):
    """Store job 1, of which one result says that its raw output is in this file."""
    storage.create_job({})
    task = storage.create_task(1, "m", 1, "backend_security")
    raw = {"file": name, "target": 0}
    fields = {"job_id": 1, "task_id": task.id, "model": "m", "app_num": 1, "details": {"raw": raw}}
    storage.add_result(result(**fields, status=TaskStatus.CANCELLED))


def read_again(storage, base):
    return reparse(storage, AnalyzerRegistry(), base, 1)


@pytest.mark.parametrize(
    "name", ["../precious/file", "1/../../file", "/etc/passwd", "1/..", "1/", "1", "x/file"]
)
def test_only_what_is_kept_beside_the_store_is_read(storage, tmp_path, name):
    ended_with(storage, name)

    with pytest.raises(ReportError, match="is not one that is kept beside the store"):
        read_again(storage, tmp_path)


def test_a_file_that_is_gone_is_named(storage, tmp_path):
    ended_with(storage, "1/7-0.json.gz")

    with pytest.raises(FileNotFoundError, match=r"7-0\.json\.gz is not there any more"):
        read_again(storage, tmp_path)


class TestCallsThatFail:
    """What was kept of a call whose result does not name it is removed."""

    @pytest.fixture
    def bench(self, make_bench, storage):
        return make_bench({"m": range(1, 5)}, storage=storage, max_tasks=1)

    def files(self, bench):
        return [path for path in bench.storage.raw_folder.rglob("*") if path.is_file()]

    def test_for_one_app(self, bench):
        def script(app, context):
            kept(context)
            raises(ValueError("unreadable"))(app, context)

        bench.analyzer.scripts = {1: script}
        job = bench.run()

        assert job.task_count_by_status == {"failed": 1}
        assert self.files(bench) == []

    @pytest.mark.parametrize("way", ["it raises", "nobody is settled"])
    def test_for_several(self, bench, way):
        calls = []

        def analyze_all(apps, options, context):
            calls.append(len(apps))
            kept(context)
            if way == "it raises":
                raise ValueError("unreadable")
            return [None] * len(apps)

        bench.analyzer.batch_size, bench.analyzer.analyze_all = 4, analyze_all
        job = bench.run(apps=range(1, 5))

        assert job.task_count_by_status == {"completed": 4}, "each alone"
        assert calls == ([4, 2, 2] if way == "it raises" else [4])
        assert self.files(bench) == []
