"""A live view in a cell's output that becomes a static picture when its job has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display

if TYPE_CHECKING:
    from batchnb.widgets.job_view import JobView


def display_view(view: JobView, bundle: dict[str, Any]) -> None:
    """Show `bundle`, the live view, in the running cell; its picture takes the place when the job has ended.

    The notebook that is saved then holds the picture, which needs no kernel.
    """
    handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    if handle is not None and not view.is_ended:
        view.freeze_into(lambda picture: handle.update(picture, raw=True))
