"""From what a caller of create_job gives to a job that can be stored: every value checked, none guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from batchnb.engine.rows import dump
from batchnb.engine.settings import MAX_CONCURRENT, MAX_SECONDS, check_timeouts, check_whole
from batchnb.records import BatchAnalysisJob, JobSpec, JobStatus, utc_now
from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.records.ranges import MAX_APP_NUM

JOB_FIELDS = tuple(field.name for field in fields(JobSpec))
_SOURCE = "create_job"
_CHANGEABLE = ("name", "description", "status", "cancellation_requested", "task_timeout_seconds")


def job_draft(job_data: Mapping[str, Any] | JobSpec) -> BatchAnalysisJob:
    """Return the PENDING job that `job_data` describes; its id is the store's to give.

    Raises:
        UnknownNameError: for a field that a job does not have.
        InvalidValueError: for a value that is not allowed.
    """
    if not isinstance(job_data, (JobSpec, Mapping)):
        raise InvalidValueError("job", job_data, "a dictionary or a JobSpec is needed", _SOURCE)
    if isinstance(job_data, JobSpec):
        data: dict[str, Any] = {name: getattr(job_data, name) for name in JOB_FIELDS}
    else:
        unknown = [str(name) for name in job_data if name not in JOB_FIELDS]
        if unknown:
            raise UnknownNameError("job field", unknown[0], JOB_FIELDS, _SOURCE)
        data = dict(job_data)
    check_fields(data, _SOURCE)
    options = _mapping(data, "analysis_options")
    for kind, values in options.items():
        _check_options(str(kind), values)
    return BatchAnalysisJob(
        id=1,
        name=data.get("name", ""),
        description=data.get("description", ""),
        created_at=utc_now(),
        models=_names(data, "models"),
        analysis_types=_names(data, "analysis_types"),
        app_ranges={str(model): _apps(model, apps) for model, apps in _mapping(data, "app_ranges").items()},
        analysis_options={str(kind): dict(values) for kind, values in options.items()},
        task_timeout_seconds=data.get("task_timeout_seconds"),
        task_timeouts=check_timeouts(data.get("task_timeouts", {}), _SOURCE),
        max_tasks=data.get("max_tasks"),
    )


def checked_changes(changes: Mapping[str, Any]) -> tuple[JobStatus | None, dict[str, Any]]:
    """Return the new status of a job (None: none was given) and its other new fields.

    Raises:
        UnknownNameError: for a field that cannot be set, or a status that there is not.
        InvalidValueError: for a value that is not allowed.
    """
    unknown = [name for name in changes if name not in _CHANGEABLE]
    if unknown:
        raise UnknownNameError("job field", unknown[0], _CHANGEABLE, "update_job")
    fields = {name: value for name, value in changes.items() if name != "status"}
    check_fields(fields, "update_job")
    status = changes.get("status")
    if status is not None and status not in set(JobStatus):
        known = [member.value for member in JobStatus]
        raise UnknownNameError("job status", str(status), known, "update_job")
    return None if status is None else JobStatus(status), fields


def check_fields(data: Mapping[str, Any], source: str) -> None:
    """Raise InvalidValueError if one of the plain fields of a job has a value that is not allowed."""
    for name in ("name", "description"):
        if not isinstance(data.get(name, ""), str):
            raise InvalidValueError(name, data[name], "text is needed", source)
    if not isinstance(data.get("cancellation_requested", False), bool):
        raise InvalidValueError(
            "cancellation_requested", data["cancellation_requested"], "True or False is needed", source
        )
    for name, largest in (("task_timeout_seconds", MAX_SECONDS), ("max_tasks", MAX_CONCURRENT)):
        if data.get(name) is not None:
            check_whole(name, data[name], largest, source)


def _check_options(kind: str, values: object) -> None:
    what = f"analysis_options[{kind!r}]"
    if not isinstance(values, Mapping):
        raise InvalidValueError(what, values, "a dictionary of options is needed", _SOURCE)
    try:
        dump(dict(values))
    except TypeError as error:
        raise InvalidValueError(what, values, str(error), _SOURCE) from error


def _names(data: Mapping[str, Any], field: str) -> list[str]:
    """Return a list of names; an enum member counts by its value."""
    value = data.get(field, ())
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidValueError(field, value, "a list of names is needed", _SOURCE)
    return [_name(field, getattr(name, "value", name)) for name in value]


def _name(field: str, name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidValueError(field, name, "a name is text, and not empty", _SOURCE)
    return name


def _mapping(data: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = data.get(field, {})
    if not isinstance(value, Mapping):
        raise InvalidValueError(field, value, "a dictionary is needed", _SOURCE)
    return value


def _apps(model: object, apps: object) -> list[int]:
    field = f"app_ranges[{model!r}]"
    if isinstance(apps, str) or not isinstance(apps, Iterable):
        raise InvalidValueError(field, apps, "a list of app numbers is needed", _SOURCE)
    return sorted({check_whole(field, app, MAX_APP_NUM, _SOURCE) for app in apps})


def check_id(kind: str, value: object) -> int:
    """Return `value` as an id that can be looked up; one that no record can have becomes 0, which none has.

    Raises:
        InvalidValueError: if it is not a whole number.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValueError(f"{kind} id", value, "ids are whole numbers from 1")
    return value if 0 < value < 1 << 63 else 0
