"""Discovery: the apps under a base path and what each has. Parsing happens in child processes."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchnb.records.errors import ReportError
from batchnb.records.portfolio import AppInfo, Portfolio, UnparsedFile
from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.layout import AppFolder, find_apps
from batchnb.tools.process import Limits, RawOutput, run_tool
from batchnb.tools.requirement_list import read_entries, texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
# The child may use our package and what is installed beside it, but never its working folder (-I).
_CHILD = (
    f"import sys; sys.path.insert(0, {str(_PACKAGE_ROOT)!r}); "
    "from batchnb.tools import survey_child; survey_child.main()"
)
_APP_SECONDS = 20.0
_CHUNK = 60


def discover(base: Path, *, cancel: CancelToken | None = None) -> Portfolio:
    """Return the portfolio under `base`, sorted by model and app number.

    An app whose survey crashes its process is still listed, without counts, and named in `problems`.

    Raises:
        PortfolioError: if `base` is missing, is not a folder, or has no app.
    """
    base = Path(base).expanduser().absolute()
    folders, problems = find_apps(base)
    requirements, more = _requirements(base)
    chunks = [range(start, min(start + _CHUNK, len(folders))) for start in range(0, len(folders), _CHUNK)]
    with ThreadPoolExecutor(max_workers=min(len(chunks), os.cpu_count() or 1)) as pool:
        token = cancel or CancelToken()
        done = pool.map(lambda chunk: _survey_chunk(folders, list(chunk), token), chunks)
        surveys = {key: survey for part in done for key, survey in part.items()}
    apps = tuple(_app_info(folder, surveys[key], requirements) for key, folder in enumerate(folders))
    failed = [
        f"{folder.model}/app{folder.app_num} could not be surveyed: {surveys[key]['failed']}"
        for key, folder in enumerate(folders)
        if "failed" in surveys[key]
    ]
    return Portfolio(base=base, apps=apps, problems=(*problems, *more, *failed))


def _survey_chunk(
    folders: Sequence[AppFolder], keys: list[int], cancel: CancelToken
) -> dict[int, dict[str, Any]]:
    """Survey the folders with these keys; a crash costs only the app that it happened in."""
    surveys: dict[int, dict[str, Any]] = {}
    while keys:
        apps = [[key, str(folders[key].path)] for key in keys]
        asked = json.dumps({"seconds": _APP_SECONDS, "apps": apps}).encode()
        raw = run_tool(
            [sys.executable, "-I", "-c", _CHILD],
            deadline=Deadline.after(_APP_SECONDS * (len(keys) + 1)),
            cancel=cancel,
            stdin=asked,
            limits=Limits(memory_bytes=2 << 30),
        )
        surveys |= _read_lines(raw)
        keys = [key for key in keys if key not in surveys]
        if keys:  # the first one without an answer is the one that ended the process
            surveys[keys.pop(0)] = {"failed": _failure(raw)}
    return surveys


def _read_lines(raw: RawOutput) -> dict[int, dict[str, Any]]:
    surveys = {}
    for line in raw.stdout.split(b"\n")[:-1]:  # the last one has no end: it was cut off, or is empty
        try:
            survey = json.loads(line)
            surveys[int(survey["key"])] = survey
        except (ValueError, TypeError, KeyError):  # not ours: whatever wrote it did not answer for its app
            continue
    return surveys


def _failure(raw: RawOutput) -> str:
    tail = raw.stderr.decode(errors="replace").strip().splitlines()[-1:]
    return " ".join([raw.ending.value, f"exit code {raw.returncode}", *tail])


def _app_info(folder: AppFolder, survey: Mapping[str, Any], requirements: Mapping[int, int]) -> AppInfo:
    return AppInfo(
        model=folder.model,
        app_num=folder.app_num,
        path=folder.path,
        backend=folder.has("backend"),
        frontend=folder.has("frontend"),
        compose=survey.get("compose", False),
        requirements=requirements.get(folder.app_num),
        files=survey.get("files", 0),
        lines_by_language=survey.get("lines_by_language", {}),
        placeholder=survey.get("placeholder", False),
        unparsed=tuple(
            UnparsedFile(path=path, line=line, reason=reason)
            for path, line, reason in survey.get("unparsed", ())
        ),
        skipped=survey.get("skipped", 0),
    )


def _requirements(base: Path) -> tuple[dict[int, int], list[str]]:
    """Return the number of requirements per app number, and what is wrong with the list."""
    try:
        entries = read_entries(base) or {}
        return {number: len(texts_of(entry)) for number, entry in entries.items()}, []
    except ReportError as error:
        return {}, [str(error)]
