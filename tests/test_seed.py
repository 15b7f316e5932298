"""The specification, section by section: each test quotes the line that it checks.

What stands in quotation marks in a docstring is the specification's own text. After "Product page:" it is
that of the page which settles what the specification leaves open or says twice; where the two differ, that
page wins. Its tables, examples and drawings are in seed/text.py, the tests in seed/section_<number>.py.
"""

from __future__ import annotations

from seed.section_03 import TestSection3Cancel, TestSection3Components, TestSection3CreateAndExecute
from seed.section_04_job import TestSection4Job
from seed.section_04_result import TestSection4Result
from seed.section_04_task import TestSection4Task
from seed.section_05_06 import (
    TestSection5CancelJob,
    TestSection5ExecuteFrontendSecurityTask,
    TestSection5StartJob,
    TestSection6Api,
)
from seed.section_07_08 import (
    TestSection7Configuration,
    TestSection8ConcurrentTaskExecution,
    TestSection8Decisions,
    TestSection8TaskExecutionContext,
)
from seed.section_09_10 import (
    TestSection9Analyzers,
    TestSection9Storage,
    TestSection10MissingService,
    TestSection10Operation,
    TestSection10TaskTimeout,
)
from seed.section_11 import TestSection11Debugging, TestSection11NewAnalysisType
from seed.section_12_component import TestComponentBatchAnalysisService
from seed.shared import bench, ended, frontend, make_bench, storage

__all__ = [
    "TestComponentBatchAnalysisService",
    "TestSection3Cancel",
    "TestSection3Components",
    "TestSection3CreateAndExecute",
    "TestSection4Job",
    "TestSection4Result",
    "TestSection4Task",
    "TestSection5CancelJob",
    "TestSection5ExecuteFrontendSecurityTask",
    "TestSection5StartJob",
    "TestSection6Api",
    "TestSection7Configuration",
    "TestSection8ConcurrentTaskExecution",
    "TestSection8Decisions",
    "TestSection8TaskExecutionContext",
    "TestSection9Analyzers",
    "TestSection9Storage",
    "TestSection10MissingService",
    "TestSection10Operation",
    "TestSection10TaskTimeout",
    "TestSection11Debugging",
    "TestSection11NewAnalysisType",
    "bench",
    "ended",
    "frontend",
    "make_bench",
    "storage",
]
