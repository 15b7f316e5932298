"""What one look into the store saw: few records as records, many as blocks of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.records.coverage import Coverage
    from batchnb.records.job import BatchAnalysisJob
    from batchnb.records.result import BatchAnalysisResult
    from batchnb.records.task import BatchAnalysisTask


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Some thousand rows of one table by column, so that no object is made for each value."""

    numbers: bytes
    """CSV without a header, one row a line: the columns `number_names`, then how many bytes of each of
    `texts` are the row's, in their order. An empty field is a missing value."""
    number_names: tuple[str, ...]
    texts: Mapping[str, bytes]
    """Column -> its values in UTF-8, one after the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Records of some jobs as they were at one instant; what was not asked for is empty."""

    jobs: tuple[BatchAnalysisJob, ...] = ()
    tasks: tuple[BatchAnalysisTask, ...] = ()
    results: tuple[BatchAnalysisResult, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    findings: tuple[Block, ...] = ()
    measurements: tuple[Block, ...] = ()
