"""Files made of what the explorer shows, or of the whole dataset behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError
from batchnb.results.exports.bundle import save_bundle
from batchnb.results.exports.export import write_csv, write_excel, write_parquet
from batchnb.results.sarif.writing import write_sarif
from batchnb.results.text import plural
from batchnb.widgets.explorer.answer import positions_of

if TYPE_CHECKING:
    from pathlib import Path

    from batchnb.widgets.explorer.loaded import Loaded
    from batchnb.widgets.explorer.query import Query

FORMATS = {
    "csv": "CSV",
    "xlsx": "Excel",
    "parquet": "Parquet",
    "sarif": "SARIF",
    "batchnb": "Bundle",
    "html": "HTML report",
}
"""The ending of each file, and what a reader calls it."""
OF_FILTER = ("csv", "xlsx", "parquet")
"""Those that hold only what the filter leaves; the others hold everything."""


def export_view(loaded: Loaded, query: Query, source: object, ending: str, folder: Path) -> str:
    """Write one file under a name that is free in `folder`, and return what was written, and where.

    Args:
        loaded: what was read.
        query: the filter.
        source: what it was read from; a job writes its own report.
        ending: one of `FORMATS`.
        folder: where to.

    Raises:
        InvalidValueError: if the folder cannot be written to, or there is no job to report on.
    """
    if ending in OF_FILTER:
        sheet = loaded.sheets[query.sheet]
        frame = sheet.frame.iloc[positions_of(sheet, query)].reset_index(drop=True)
        target = _free(folder, query.sheet, ending)
        if ending == "csv":
            path = write_csv(frame, target)
        elif ending == "parquet":
            path = write_parquet(frame, target)
        else:
            path = write_excel({query.sheet: frame}, target)
        return f"{plural(len(frame), sheet.noun)} of {len(sheet):,}, as filtered: {path}"
    if ending == "html":
        return f"The report of everything: {_report(source, _free(folder, 'report', ending))}"
    target = _free(folder, "results", ending)
    path = write_sarif(loaded.dataset, target) if ending == "sarif" else save_bundle(loaded.dataset, target)
    return f"Everything, without the filter: {path}"


def _report(source: object, target: Path) -> object:
    report = getattr(source, "report", None)
    if not callable(report):
        raise InvalidValueError("report", "of a dataset", "only a job can write its report: Explorer(job)")
    return report(target)


def _free(folder: Path, name: str, ending: str) -> Path:
    """Return a path at which nothing is: an export never takes the place of an older one."""
    target, number = folder / f"{name}.{ending}", 1
    while target.exists() or target.is_symlink():
        number += 1
        target = folder / f"{name}-{number}.{ending}"
    return target
