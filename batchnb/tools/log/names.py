"""The loggers of the seed (10.2), one per component, and loggers bound to one job, task and store."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

ROOT = "batch_analysis"
MODULE = "module"
"""The seed's name for what is logged by `batch_analysis` itself."""

logging.getLogger(ROOT).addHandler(logging.NullHandler())  # or Python prints warnings on stderr by itself


class LoggerFactory:
    """Gives consistently named loggers: `batch_analysis.<component>`."""

    ROOT = ROOT

    @classmethod
    def create_logger(cls, component: str = "") -> logging.Logger:
        """Return the logger of a component (`job`, `task`, `storage`, `api`, `service`), or of the whole."""
        return logging.getLogger(f"{cls.ROOT}.{component}" if component else cls.ROOT)


create_logger = LoggerFactory.create_logger


class BoundLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose every line begins with its job and task, as `[Job 3] [Task 17] `.

    Its records have the attributes `job_id`, `task_id` (None if unknown) and `store`.
    """

    def __init__(self, logger: logging.Logger, prefix: str, about: dict[str, object]) -> None:
        self.logger = logger  # instead of super().__init__: made once per task, so as little as possible
        self.extra = about
        self.merge_extra = True  # read by Python 3.13's other methods
        self._prefix = prefix

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        """Put the prefix before the message and the ids on the record (called by `logging`)."""
        own = kwargs.get("extra")
        kwargs["extra"] = {**own, **self.extra} if own and self.extra else self.extra
        return f"{self._prefix}{msg}", kwargs


def bind(
    logger: logging.Logger, *, job_id: int | None = None, task_id: int | None = None, store: str = ""
) -> BoundLogger:
    """Return `logger` bound to what it will speak about.

    Args:
        logger: one of `create_logger`.
        job_id: the job, if known.
        task_id: the task, if known.
        store: which store they are in; only the log files of this store take the lines. Empty: all do.
    """
    job = "" if job_id is None else f"[Job {job_id}] "
    task = "" if task_id is None else f"[Task {task_id}] "
    return BoundLogger(logger, job + task, {"job_id": job_id, "task_id": task_id, "store": store})
