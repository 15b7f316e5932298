"""Reading raw output again that was kept, in a worker process: without the app, without a tool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.crossing import ReportReader, rows_of
from batchnb.analyzers.isolated import make, reference_of
from batchnb.analyzers.raw import RawAnalysis
from batchnb.analyzers.tool_analyzer import ToolAnalyzer
from batchnb.records.errors import ReportError
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.layout import AppFolder
from batchnb.tools.workers.pool import default_pool

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from batchnb.analyzers.base import Analyzer
    from batchnb.records import AnalysisReport
    from batchnb.tools.workers.child import Call

_SECONDS = 600.0


def parse_again(
    analyzer: type[Analyzer], base_path: Path, raw_file: Path, wanted: Collection[int]
) -> Mapping[int, AnalysisReport]:
    """Return the reports of some targets of a kept raw analysis, by target.

    Args:
        analyzer: the class that collected it.
        base_path: the folder of the apps; nothing is read there.
        raw_file: see `RawAnalysis.keep`.
        wanted: indices of targets.

    Raises:
        OSError: if there is no such file.
        ReportError: if it is not one of ours, or is not of this analyzer.
    """
    if not raw_file.is_file():
        raise FileNotFoundError(f"the raw output {raw_file.name} is not there any more")
    readers: dict[int, ReportReader] = {}

    def read(message: Any) -> None:
        match message:
            case {"target": int() as number, "app": [str() as model, int() as app_num]}:
                app = AppFolder(model=model, app_num=app_num, path=base_path)
                tools = (*analyzer.tools, *analyzer.optional_tools)
                readers[number] = ReportReader(app, analyzer.key, tools)
            case {"target": int() as number, "rows": rows} if number in readers:
                readers[number].read(rows)
            case _:
                raise ReportError("the analyzer's process sent a message of an unknown kind")

    default_pool().call(
        f"{__name__}:serve",
        {
            "analyzer": reference_of(analyzer),
            "base_path": str(base_path),
            "raw_file": str(raw_file),
            "wanted": sorted(wanted),
        },
        deadline=Deadline.after(_SECONDS),
        cancel=CancelToken(),
        on_message=read,
    )
    return {number: reader.report() for number, reader in readers.items()}


def serve(request: dict[str, Any], call: Call) -> None:
    """Parse in this worker process and send the reports as rows."""
    analyzer = make(request["analyzer"], request["base_path"])
    raw = RawAnalysis.load(Path(request["raw_file"]))
    if not isinstance(analyzer, ToolAnalyzer) or raw.analysis_type != analyzer.key:
        raise ReportError(f"{request['raw_file']} is not of {analyzer.key}")
    reports = analyzer.parse(raw)
    for number in request["wanted"]:
        target = raw.targets[number]
        call.send({"target": number, "app": [target.model, target.app_num]})
        for rows in rows_of(reports[number]):
            call.send({"target": number, "rows": rows})
