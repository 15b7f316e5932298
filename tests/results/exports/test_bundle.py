from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from factories import START, batch, coverage, job, portfolio, result
from filled import odd_findings, odd_measurements
from pyarrow import parquet

from batchnb.records import CoverageStatus
from batchnb.records.errors import InvalidValueError
from batchnb.results.dataset import FRAME_NAMES, Dataset
from batchnb.results.exports import bundle_file
from batchnb.results.exports.bundle import load_bundle, save_bundle


def dataset():
    tasks, findings, cells = batch()
    return Dataset.from_records(
        jobs=[job(tasks)],
        tasks=tasks,
        results=[result(each) for each in tasks],
        findings=[*findings, *odd_findings("m", 1)],
        measurements=odd_measurements("m", 1),
        coverage=[*cells, coverage("m", 1, status=CoverageStatus.PARTIAL)],
        portfolio=portfolio(),
        provenance={"python": "3.13", "rules": {"bandit": ["B608"]}, "digests": {"m/app1": "00ff"}},
    )


def assert_same(found, expected):
    for name in FRAME_NAMES:
        pd.testing.assert_frame_equal(found.frames[name], expected.frames[name])


@pytest.mark.parametrize("make", [dataset, Dataset.from_records])
def test_every_frame_comes_back_equal(tmp_path, make):
    saved = make()
    loaded = load_bundle(save_bundle(saved, tmp_path / "x.batchnb"))
    assert_same(loaded, saved)
    assert {name: loaded.provenance[name] for name in saved.provenance} == saved.provenance


def test_categories_that_no_row_has_any_more_stay(tmp_path):
    chosen = dataset().select(models=["gpt-4o"])
    assert len(chosen.findings["model"].cat.categories) > 1
    assert_same(load_bundle(save_bundle(chosen, tmp_path / "x.batchnb")), chosen)


def test_a_loaded_dataset_is_as_good_as_a_new_one(tmp_path):
    saved = dataset()
    loaded = load_bundle(save_bundle(saved, tmp_path / "x.batchnb"))
    pd.testing.assert_frame_equal(loaded.app_states(), saved.app_states())
    loaded.findings.loc[0, ["message", "line"]] = ["changed", 5]
    again = load_bundle(save_bundle(loaded, tmp_path / "y.batchnb"))
    assert_same(again, loaded)


def test_equal_data_and_times_give_equal_files(tmp_path):
    first = save_bundle(dataset(), tmp_path / "x.batchnb", created=START).read_bytes()
    assert save_bundle(dataset(), tmp_path / "y.batchnb", created=START).read_bytes() == first


def test_the_manifest_says_what_is_in_it(tmp_path):
    saved = dataset()
    path = save_bundle(saved, tmp_path / "x.batchnb", created=START)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        content = archive.read("findings.parquet")
    assert manifest["tools"] == {"bandit": ["1.9.1"], "ruff": ["0.17.6"]}
    assert manifest["provenance"] == saved.provenance
    assert manifest["created"] == START.isoformat()
    described = manifest["frames"]["findings"]
    assert described["rows"] == len(saved.findings)
    assert described["sha256"] == hashlib.sha256(content).hexdigest()
    assert load_bundle(path).provenance["bundle"]["tools"] == manifest["tools"]


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def packed(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def forged(tmp_path, change, frame="findings", table=None):
    """Return a bundle whose manifest was changed, and whose frame, with a sum that fits."""
    members = members_of(save_bundle(dataset(), tmp_path / "good.batchnb"))
    manifest = json.loads(members["manifest.json"])
    if table is not None:
        read = parquet.read_table(io.BytesIO(members[f"{frame}.parquet"]))
        sink = io.BytesIO()
        parquet.write_table(table(read), sink)
        members[f"{frame}.parquet"] = sink.getvalue()
        manifest["frames"][frame]["sha256"] = hashlib.sha256(sink.getvalue()).hexdigest()
    change(manifest)
    members["manifest.json"] = json.dumps(manifest).encode()
    return packed(tmp_path / "forged.batchnb", members)


def refused(path, words):
    with pytest.raises(InvalidValueError, match=words) as caught:
        load_bundle(path)
    assert str(path) in str(caught.value)


def test_the_forger_of_these_tests_can_make_a_good_one(tmp_path):
    assert_same(load_bundle(forged(tmp_path, lambda manifest: None, table=lambda table: table)), dataset())


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 100, b"PAR1" * 9])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "x.batchnb"
    path.write_bytes(content)
    refused(path, "not a bundle")


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    refused(tmp_path / "no.batchnb", "No such file")
    refused(tmp_path, "directory")


def test_another_archive_is_refused(tmp_path):
    refused(packed(tmp_path / "x.zip", {"word/document.xml": b"x"}), "no manifest.json")
    refused(packed(tmp_path / "y.zip", {"manifest.json": b"{}"}), "does not say")
    refused(packed(tmp_path / "z.zip", {"manifest.json": b"[" * 9}), "not JSON")


def test_a_newer_one_is_refused_with_its_maker(tmp_path):
    def change(manifest):
        manifest.update(version=2, batchnb="9.9")

    refused(forged(tmp_path, change), "format version 2 .*'9.9'.* knows 1")


@pytest.mark.parametrize(
    "name", ["../evil.parquet", "/etc/passwd", "a\\b.parquet", "findings.parquet/x", "x"]
)
def test_a_member_with_a_path_or_another_name_is_refused(tmp_path, name):
    members = members_of(save_bundle(dataset(), tmp_path / "good.batchnb"))
    refused(packed(tmp_path / "x.batchnb", {**members, name: b"x"}), "members that no bundle has")


def test_a_member_twice_is_refused(tmp_path):
    path = save_bundle(dataset(), tmp_path / "x.batchnb")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("findings.parquet", b"x")
    refused(path, "twice")


def test_a_packed_member_is_refused_before_it_is_unpacked(tmp_path):
    members = members_of(save_bundle(dataset(), tmp_path / "good.batchnb"))
    bomb = {**members, "findings.parquet": bytes(50_000_000)}
    refused(packed(tmp_path / "x.batchnb", bomb, zipfile.ZIP_DEFLATED), "larger than the file")


def test_a_missing_member_is_told(tmp_path):
    members = members_of(save_bundle(dataset(), tmp_path / "good.batchnb"))
    del members["coverage.parquet"]
    refused(packed(tmp_path / "x.batchnb", members), "lacks coverage.parquet")


def test_a_changed_byte_is_noticed(tmp_path):
    members = members_of(save_bundle(dataset(), tmp_path / "good.batchnb"))
    content = bytearray(members["findings.parquet"])
    content[len(content) // 2] ^= 1
    refused(
        packed(tmp_path / "x.batchnb", {**members, "findings.parquet": bytes(content)}), "damaged.*SHA-256"
    )


def test_a_byte_that_was_lost_on_the_way_is_noticed(tmp_path):
    path = save_bundle(dataset(), tmp_path / "x.batchnb")
    content = path.read_bytes()
    for cut in (content[:-30], content[1000:], content[:5000] + b"\x00" + content[5001:]):
        path.write_bytes(cut)
        with pytest.raises(InvalidValueError):
            load_bundle(path)


MANIFESTS = {
    "rows": (lambda m: m["frames"]["findings"].update(rows=1), "claims .* rows"),
    "no frames": (lambda m: m.update(frames=[]), "does not list"),
    "a frame less": (lambda m: m["frames"].pop("jobs"), "does not list"),
    "no description": (lambda m: m["frames"].update(jobs=7), "does not describe jobs"),
    "no provenance": (lambda m: m.update(provenance=None), "no provenance"),
    "a column less": (lambda m: m["frames"]["findings"]["columns"].pop(), "columns of this batchnb"),
    "other dtype": (
        lambda m: m["frames"]["findings"]["columns"][0].update(dtype="string"),
        "columns of this batchnb: .*job_id",
    ),
    "no categories": (lambda m: m["frames"]["findings"]["columns"][2].pop("categories"), "plain words"),
    "too few categories": (
        lambda m: m["frames"]["findings"]["columns"][2].update(categories=["x"]),
        "findings: model .* known are x",
    ),
    "invisible": (
        lambda m: m["frames"]["findings"]["columns"][2]["categories"].append("a\u202eb"),
        "plain words",
    ),
    "no sum": (lambda m: m["frames"]["findings"].pop("sha256"), "damaged"),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_does_not_fit_is_refused(tmp_path, name):
    change, words = MANIFESTS[name]
    refused(forged(tmp_path, change), words)


TABLES = {
    "column less": (lambda table: table.drop_columns("line"), "columns of this batchnb"),
    "column more": (lambda table: table.append_column("x", [["y"] * len(table)]), "columns of this batchnb"),
    "other order": (lambda table: table.select(table.column_names[::-1]), "columns of this batchnb"),
    "other type": (
        lambda table: table.set_column(0, "job_id", [["1"] * len(table)]),
        "columns of this batchnb",
    ),
    "unknown level": (
        lambda table: table.set_column(
            table.column_names.index("severity"),
            "severity",
            pa.chunked_array([["fine"] * len(table)], pa.large_string()),
        ),
        "severity 'fine'",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_does_not_fit_is_refused(tmp_path, name):
    change, words = TABLES[name]
    refused(forged(tmp_path, lambda manifest: None, table=change), words)


def test_few_bytes_that_ask_for_very_many_are_refused(tmp_path, monkeypatch):
    """One long text, repeated: small as a dictionary in the file, endless once unpacked."""
    monkeypatch.setattr(bundle_file, "MOST_BYTES", 50_000_000)

    def repeated(table):
        rows = 20_000
        table = table.take(pa.array(np.zeros(rows, dtype=np.int64)))
        text = pa.array(["x" * 100_000], pa.large_string()).take(pa.array(np.zeros(rows, dtype=np.int64)))
        return table.set_column(table.column_names.index("message"), "message", text)

    path = forged(tmp_path, lambda m: m["frames"]["findings"].update(rows=20_000), table=repeated)
    assert path.stat().st_size < 2_000_000
    refused(path, r"unpack to 2,000,000,000 bytes|claims")


def test_invisible_text_of_a_forged_table_becomes_visible(tmp_path):
    def hidden(table):
        text = pa.array(["a\u202eb"] * len(table), pa.large_string())
        return table.set_column(table.column_names.index("message"), "message", text)

    loaded = load_bundle(forged(tmp_path, lambda manifest: None, table=hidden))
    assert set(loaded.findings["message"]) == {"a\\u202eb"}


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.batchnb"
    path.write_text("old")
    with pytest.raises(InvalidValueError, match=r"provenance.*JSON"):
        save_bundle(replace(dataset(), provenance={"x": object()}), path)
    with pytest.raises(InvalidValueError, match="provenance"):
        save_bundle(replace(dataset(), provenance={"x": float("nan")}), path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["x.batchnb"]
