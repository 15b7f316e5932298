"""frontend_security: the frontend's scripts, by linters with security rules, taint analysis and own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from batchnb.analyzers.checks.advisories import NpmAdvisories
from batchnb.analyzers.checks.dockerfile import DockerfileCheck
from batchnb.analyzers.checks.online import OnlineNpmAudit
from batchnb.analyzers.scanners.ast_grep import AstGrep, AstGrepSecrets
from batchnb.analyzers.scanners.detect_secrets import DetectSecrets
from batchnb.analyzers.scanners.eslint import ESLint
from batchnb.analyzers.scanners.opengrep import Opengrep
from batchnb.analyzers.scanners.oxlint import Oxlint
from batchnb.analyzers.scanners.skylos import SkylosScript
from batchnb.analyzers.source_analyzer import SourceAnalyzer
from batchnb.records import AnalysisType

if TYPE_CHECKING:
    from batchnb.analyzers.checks.online import OnlineAudit
    from batchnb.analyzers.scanners.base import SourceTool


class FrontendSecurityAnalyzer(SourceAnalyzer):
    """Source under `<app>/frontend`; nothing of the app is executed, no configuration of it is read."""

    key: ClassVar[str] = AnalysisType.FRONTEND_SECURITY.value
    title: ClassVar[str] = "Frontend security"
    service: ClassVar[str] = "frontend_security_analyzer"
    part: ClassVar[str] = "frontend"

    sources: ClassVar[tuple[SourceTool, ...]] = (
        Oxlint(),
        ESLint(),
        SkylosScript(),
        AstGrep(),
        AstGrepSecrets(),
        DetectSecrets(),
        NpmAdvisories(),
        DockerfileCheck(),
    )
    optional_sources: ClassVar[tuple[SourceTool, ...]] = (Opengrep(),)
    tools: ClassVar[tuple[str, ...]] = tuple(tool.name for tool in sources)
    online_sources: ClassVar[tuple[OnlineAudit, ...]] = (OnlineNpmAudit(),)
    optional_tools: ClassVar[tuple[str, ...]] = tuple(
        tool.name for tool in (*optional_sources, *online_sources)
    )
