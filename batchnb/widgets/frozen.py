"""A live view in a cell's output that becomes a static picture when its job has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display

if TYPE_CHECKING:
    from batchnb.widgets.job_view import JobView

_NOTHING = {"text/html": "", "text/plain": ""}


def display_view(view: JobView, bundle: dict[str, Any]) -> None:
    """Show `bundle`, the live view, in the running cell; its picture takes the place when the job has ended.

    The notebook that is saved then holds the picture, which needs no kernel.
    """
    handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    if handle is not None and not view.is_ended:
        view.freeze_into(lambda picture: handle.update(picture, raw=True))


class Pictures:
    """The pictures of jobs that ended, folded, below a panel that goes on: for the notebook that is saved."""

    most = 4
    """The newest are kept: a saved notebook should stay small."""

    def __init__(self) -> None:
        """Make it; it has no place until it is displayed."""
        self._by_job: dict[int, dict[str, Any]] = {}
        self._handles: list[Any] = []
        self._is_changed = False

    def display(self, bundle: dict[str, Any]) -> None:
        """Show `bundle`, the panel, in the running cell, with room for pictures below it."""
        display(bundle, raw=True)  # type: ignore[no-untyped-call]
        handle = display(self._folded(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        if handle is not None:
            self._handles.append(handle)

    def keep(self, job_id: int, picture: dict[str, Any]) -> None:
        """Note the picture of a job (see `JobView.picture`); any thread calls this."""
        self._by_job[job_id] = picture
        self._is_changed = True

    def write(self) -> None:
        """Put what is new into the cells; the publisher's thread calls this."""
        if self._is_changed:
            self._is_changed = False
            folded = self._folded()
            for handle in list(self._handles):
                handle.update(folded, raw=True)

    def _folded(self) -> dict[str, Any]:
        kept = dict(sorted(self._by_job.copy().items(), reverse=True)[: self.most])
        if not kept:
            return _NOTHING
        parts = [
            f"<details><summary>Job {job_id}: results kept in this notebook</summary>"
            f"{picture['text/html']}</details>"
            for job_id, picture in kept.items()
        ]
        plain = "\n".join(picture["text/plain"] for picture in kept.values())
        return {"text/html": "".join(parts), "text/plain": plain}
