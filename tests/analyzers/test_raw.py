"""Raw output in a file: whole or not at all, and read back only if it is one."""

import gzip
import tracemalloc

import pytest

from batchnb.analyzers import raw as raw_module
from batchnb.analyzers.raw import MAX_KEPT_BYTES, RawAnalysis, RawTarget, StagedFiles, ToolRun
from batchnb.records.errors import ReportError


def analysis(*, output="{}", source="x = 1\n"):
    files = StagedFiles(origins={"a.py": "a.py"}, sources={"a.py": source}, silenced={"a.py": (0, 3)})
    return RawAnalysis(
        analysis_type="backend_security",
        options={"full_scan": True},
        targets=(RawTarget(model="m", app_num=1, files=files), RawTarget(model="m", app_num=2)),
        runs=(ToolRun(tool="bandit", targets=(0, 1), output=output, exit_code=1),),
    )


def test_it_comes_back_as_it_was(tmp_path):
    raw = analysis(output="é\udcff\0")

    assert raw.keep(tmp_path / "store.db.raw" / "1" / "x.json.gz")

    assert RawAnalysis.load(tmp_path / "store.db.raw" / "1" / "x.json.gz") == raw
    assert [path.name for path in (tmp_path / "store.db.raw" / "1").iterdir()] == ["x.json.gz"]


@pytest.mark.parametrize("where", ["output", "source"])
def test_one_that_is_too_large_is_not_written_out_to_see_that(tmp_path, where):
    """A worker has 2 GiB: its JSON could be twelve times as large, and is there twice."""
    raw = analysis(**{where: "x" * (MAX_KEPT_BYTES + 1)})

    tracemalloc.start()
    kept = raw.keep(tmp_path / "x.json.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert not kept
    assert peak < 1 << 20
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_too_large_only_as_json_is_not_kept_either(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_module, "MAX_KEPT_BYTES", 1_000)

    assert not analysis(output="\0" * 500).keep(tmp_path / "x.json.gz")
    assert analysis(output="x" * 100).keep(tmp_path / "x.json.gz")


GOOD = gzip.compress(b'{"format": 1}' + bytes(2_000))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="not compressed"),
        pytest.param(GOOD[: len(GOOD) // 2], id="cut off"),
        pytest.param(GOOD[:-8] + bytes(8), id="wrong checksum"),
        pytest.param(GOOD[:10] + b"\xff" * 40, id="not deflated"),
        pytest.param(gzip.compress(b"\xff"), id="not text"),
        pytest.param(gzip.compress(b"[" * 100_000), id="deep"),
        pytest.param(gzip.compress(b"[]"), id="a list"),
        pytest.param(gzip.compress(b'{"format": 2}'), id="another format"),
        pytest.param(gzip.compress(b'{"format": 1, "targets": [], "runs": []}'), id="fields missing"),
    ],
)
def test_what_is_none_is_a_report_that_cannot_be_read(tmp_path, content):
    (tmp_path / "x.json.gz").write_bytes(content)

    with pytest.raises(ReportError, match=r"x\.json\.gz"):
        RawAnalysis.load(tmp_path / "x.json.gz")


def test_one_that_is_not_there_is_no_report_at_all(tmp_path):
    with pytest.raises(FileNotFoundError):
        RawAnalysis.load(tmp_path / "x.json.gz")
