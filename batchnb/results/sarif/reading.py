"""SARIF 2.1.0 files as datasets: our own without a loss, those of other tools as findings.

Nothing but the one file is read: no external property file, no address in it, no source file.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError, ReportError
from batchnb.records.ranges import MAX_APP_NUM
from batchnb.results.sarif.checked_json import get, part, parts, read_log
from batchnb.results.sarif.foreign import ForeignLog
from batchnb.results.sarif.own import own_dataset
from batchnb.results.sarif.places import AppPaths
from batchnb.results.sarif.words import OWN

if TYPE_CHECKING:
    from batchnb.results.dataset import Dataset

MAX_BYTES = 512 << 20
"""Size up to which a file is read (about 500,000 findings); reading takes several times as much memory."""


def read_sarif(
    path: str | os.PathLike[str],
    *,
    model: str | None = None,
    app_num: int | None = None,
    base: str | os.PathLike[str] | None = None,
    analysis_type: str = "sarif",
    skip_unassigned: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Dataset:
    """Return the dataset in a SARIF file.

    A file that `write_sarif` made gives back the frames that it was made of; the arguments after `path` are
    then not looked at. Of the file of any other tool, such as CodeQL or Semgrep:

    - Severity: `security-severity` of the result or the rule if there is one (7.0 and more is high, 4.0 and
      more medium, else low), else the level: error is high, warning medium, note and none low.
    - CWE: the first of the result's taxa, and the rule's relationships, tags and `cwe` property.
    - Results that are no fault of this run (kind pass, notApplicable or informational; baseline state
      absent) are left out; `provenance["sarif"]["left_out"]` counts them.
    - Coverage says no more than the file: a run that says that it succeeded is `ok`, with the number of
      files unknown (0 of 0); one that says nothing about it, or has errors, is `partial` (the findings are a
      lower bound); one that failed without a result is `failed`. An app without a result is not known to have
      been looked at, unless `model` and `app_num` say so.

    Args:
        path: the file.
        model: the model, if the file is about one app; together with `app_num`.
        app_num: the number of that app.
        base: the folder that the paths are to be read from: of the one app, or else the one with
            `<model>/app<N>`. It need not exist. None: absolute paths must have `<model>/app<N>` in them.
        analysis_type: under what name the findings of another tool are filed.
        skip_unassigned: leave out results that belong to no app, instead of refusing the file;
            `provenance["sarif"]["unassigned"]` lists the first hundred and says how many there are.
        max_bytes: largest file that is read.

    Raises:
        OSError: if the file cannot be read.
        InvalidValueError: if only one of `model` and `app_num` is given.
        ReportError: if it is no SARIF 2.1.0, is broken or too large, keeps its results in another file, or
            has results that cannot be assigned to an app; the message names the place.
    """
    if (model is None) != (app_num is None):
        raise InvalidValueError("model and app_num", (model, app_num), "give both or neither", "read_sarif")
    if model == "" or (app_num is not None and not 1 <= app_num <= MAX_APP_NUM):
        allowed = f"a name, and a number from 1 to {MAX_APP_NUM}"
        raise InvalidValueError("model and app_num", (model, app_num), allowed, "read_sarif")
    file = Path(path)
    log = read_log(file, max_bytes)
    runs = parts(log, "runs")
    if get(part(log, "properties"), OWN, dict) is not None:
        return own_dataset(log, runs)
    paths = AppPaths(model=model, app_num=app_num, base=None if base is None else os.fspath(base))
    foreign = ForeignLog(paths=paths, analysis_type=analysis_type)
    for number, run in enumerate(runs):
        foreign.read_run(run, f"runs[{number}]")
    if foreign.unassigned and not skip_unassigned:
        listed = "; ".join(foreign.unassigned[:3])
        raise ReportError(
            f"{foreign.unassigned_count} of {foreign.result_count} results of {file.name!r} belong to no app:"
            f" {listed}. Give model and app_num, or base, or skip_unassigned=True"
        )
    with file.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return foreign.dataset({"file": file.name, "sha256": digest})
