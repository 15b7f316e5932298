"""backend_security: the source of the backend and what it is built from, by scanners and own checks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from batchnb.analyzers.checks.advisories import NpmAdvisories, PythonAdvisories
from batchnb.analyzers.checks.compose import ComposeCheck
from batchnb.analyzers.checks.dockerfile import DockerfileCheck
from batchnb.analyzers.checks.online import OnlineNpmAudit, OnlinePipAudit
from batchnb.analyzers.checks.requirements import RequirementsCheck
from batchnb.analyzers.scanners import syntax
from batchnb.analyzers.scanners.bandit import Bandit
from batchnb.analyzers.scanners.detect_secrets import DetectSecrets
from batchnb.analyzers.scanners.eslint import ESLint
from batchnb.analyzers.scanners.opengrep import Opengrep
from batchnb.analyzers.scanners.ruff import Ruff
from batchnb.analyzers.scanners.skylos import Skylos, SkylosScript
from batchnb.analyzers.source_analyzer import SourceAnalyzer
from batchnb.records import AnalysisType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.analyzers.checks.online import OnlineAudit
    from batchnb.analyzers.raw import RawAnalysis, StagedFiles
    from batchnb.analyzers.scanners.base import SourceTool
    from batchnb.records import AnalysisReport, Coverage


class _SkylosOfBoth(Skylos):
    """skylos on Python and on scripts: a backend may be of either."""

    suffixes: ClassVar[frozenset[str]] = Skylos.suffixes | SkylosScript.suffixes
    languages: ClassVar[frozenset[str]] = Skylos.languages | SkylosScript.languages


class BackendSecurityAnalyzer(SourceAnalyzer):
    """Source under `<app>/backend`, and the files beside it; nothing of the app is executed."""

    key: ClassVar[str] = AnalysisType.BACKEND_SECURITY.value
    title: ClassVar[str] = "Backend security"
    service: ClassVar[str] = "backend_security_analyzer"
    part: ClassVar[str] = "backend"
    beside: ClassVar[bool] = True

    sources: ClassVar[tuple[SourceTool, ...]] = (
        Bandit(),
        Ruff(),
        _SkylosOfBoth(),
        DetectSecrets(),
        ESLint(),
        RequirementsCheck(),
        PythonAdvisories(),
        NpmAdvisories(),
        DockerfileCheck(),
        ComposeCheck(),
    )
    optional_sources: ClassVar[tuple[SourceTool, ...]] = (Opengrep(),)
    tools: ClassVar[tuple[str, ...]] = tuple(tool.name for tool in sources)
    online_sources: ClassVar[tuple[OnlineAudit, ...]] = (OnlinePipAudit(), OnlineNpmAudit())
    optional_tools: ClassVar[tuple[str, ...]] = tuple(
        tool.name for tool in (*optional_sources, *online_sources)
    )

    def parse(self, raw: RawAnalysis) -> Sequence[AnalysisReport]:
        """Read the reports; files that only need a newer Python than this one are said to."""
        return [
            _explained(report, target.files) if target.files else report
            for report, target in zip(super().parse(raw), raw.targets, strict=True)
        ]


_READ_BY_PYTHON = frozenset({Bandit.name, Skylos.name})


def _explained(report: AnalysisReport, files: StagedFiles) -> AnalysisReport:
    """Say of files that ruff could parse, and the parser of this Python not, what they need."""
    ruff = next((cell for cell in report.coverage if cell.tool == Ruff.name), None)
    if ruff is None or not ruff.status.is_measured:
        return report
    of_ruff = {file.path for file in ruff.unread}
    texts = {origin: files.sources[path] for path, origin in files.origins.items() if path.endswith(".py")}
    cells = tuple(
        _with_reasons(cell, texts, of_ruff) if cell.tool in _READ_BY_PYTHON else cell
        for cell in report.coverage
    )
    return replace(report, coverage=cells)


def _with_reasons(cell: Coverage, texts: Mapping[str, str], of_ruff: set[str]) -> Coverage:
    unparsed = {file.path: file.reason for file in cell.unread if "syntax" in file.reason.lower()}
    newer = {
        path: syntax.reason(texts[path])
        for path in syntax.needs_newer_python(unparsed, of_ruff)
        if path in texts
    }
    if not newer:
        return cell
    unread = tuple(replace(file, reason=newer.get(file.path, file.reason)) for file in cell.unread)
    named = "; ".join(f"{path} ({why})" for path, why in sorted(newer.items())[:3])
    return replace(cell, unread=unread, detail=f"{cell.detail}; {named}")
