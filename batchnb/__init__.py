"""batchnb: batch analyses of many AI-written web apps, from a notebook.

Every public name is loaded when it is first used, so that `import batchnb` costs next to nothing and works
without the extras.
"""

from importlib import import_module

_HOMES = {
    "AnalysisType": "batchnb.records",
    "AnalyzerRegistry": "batchnb.analyzers.registry",
    "BackendSecurityAnalyzer": "batchnb.analyzers.backend_security",
    "BatchAnalysisService": "batchnb.engine.service",
    "BatchPanel": "batchnb.widgets.batch_panel",
    "BatchnbError": "batchnb.records.errors",
    "FrontendSecurityAnalyzer": "batchnb.analyzers.frontend_security",
    "GPT4AllAnalyzer": "batchnb.analyzers.gpt4all",
    "Job": "batchnb.job",
    "JobStatus": "batchnb.records",
    "JobStorage": "batchnb.engine.storage",
    "LoggerFactory": "batchnb.tools.log",
    "PerformanceTester": "batchnb.analyzers.performance",
    "PortManager": "batchnb.tools.launch.ports",
    "ScanManager": "batchnb.analyzers.zap",
    "TaskExecutor": "batchnb.engine.executor",
    "TaskStatus": "batchnb.records",
    "Workspace": "batchnb.workspace",
    "doctor": "batchnb.doctor",
    "open": "batchnb.workspace:open_workspace",
    "severity_chart": "batchnb.job",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list of public names, not two


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'batchnb' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    found = getattr(import_module(module), attribute or name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
