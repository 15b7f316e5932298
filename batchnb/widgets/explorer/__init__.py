"""The explorer: findings with filter, sort, search, detail, triage, comparisons and export."""

from __future__ import annotations

from batchnb.widgets.explorer.explorer import Explorer

__all__ = ["Explorer"]
