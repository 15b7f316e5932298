"""backend_security: the backend's source, by bandit, ruff's security rules and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from batchnb.analyzers.scanners.bandit import Bandit
from batchnb.analyzers.scanners.ruff import Ruff
from batchnb.analyzers.source_analyzer import SourceAnalyzer
from batchnb.records import AnalysisType

if TYPE_CHECKING:
    from batchnb.analyzers.scanners.base import SourceTool


class BackendSecurityAnalyzer(SourceAnalyzer):
    """Source under `<app>/backend`, and the files beside it; nothing of the app is executed."""

    key: ClassVar[str] = AnalysisType.BACKEND_SECURITY.value
    title: ClassVar[str] = "Backend security"
    service: ClassVar[str] = "backend_security_analyzer"
    part: ClassVar[str] = "backend"
    beside: ClassVar[bool] = True

    sources: ClassVar[tuple[SourceTool, ...]] = (Bandit(), Ruff())
    tools: ClassVar[tuple[str, ...]] = tuple(tool.name for tool in sources)
