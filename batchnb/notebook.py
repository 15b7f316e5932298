"""What `%load_ext batchnb` does: the magics meet the workspace."""

from __future__ import annotations

from typing import Any

from batchnb.doctor import doctor
from batchnb.widgets.magics import BatchnbMagics, complete
from batchnb.workspace import open_workspace


def load(shell: Any) -> None:
    """Register the magic and its completion with an IPython shell."""
    shell.register_magics(BatchnbMagics(shell, open_workspace, doctor))
    shell.set_hook("complete_command", complete, str_key="%batchnb")
