"""batchnb: batch analyses of many AI-written web apps, from a notebook.

Every public name is loaded when it is first used, so that `import batchnb` costs next to nothing and works
without the extras.
"""

from importlib import import_module

# Name -> module, `module:name there`, or `module:` for the module itself.
_HOMES = {
    "AnalysisType": "batchnb.records",
    "AnalyzerRegistry": "batchnb.analyzers.registry",
    "BackendSecurityAnalyzer": "batchnb.analyzers.backend_security",
    "BatchAnalysisService": "batchnb.engine.service",
    "BatchPanel": "batchnb.widgets.batch_panel",
    "Dashboard": "batchnb.widgets.dashboard",
    "Explorer": "batchnb.widgets.explorer",
    "JobsPanel": "batchnb.widgets.jobs_panel",
    "BatchnbError": "batchnb.records.errors",
    "Dataset": "batchnb.results.dataset",
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
    "charts": "batchnb.results.charts:",
    "compare": "batchnb.results.identity.compare",
    "compare_models": "batchnb.results.models.comparison",
    "consensus": "batchnb.results.identity.consensus",
    "describe_columns": "batchnb.results.catalogue",
    "doctor": "batchnb.doctor",
    "export": "batchnb.results.exports.export",
    "latex_tables": "batchnb.results.exports.latex",
    "load": "batchnb.results.exports.bundle:load_bundle",
    "markdown_summary": "batchnb.results.exports.markdown",
    "open": "batchnb.workspace:open_workspace",
    "read_sarif": "batchnb.results.sarif.reading",
    "severity_chart": "batchnb.results.charts:severity",
    "systemic": "batchnb.results.models.systemic",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list of public names, not two


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'batchnb' has no attribute {name!r}")
    module, colon, attribute = _HOMES[name].partition(":")
    home = import_module(module)
    found = home if colon and not attribute else getattr(home, attribute or name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return __all__


def load_ipython_extension(shell: object) -> None:
    """Give a notebook the magic `%batchnb`: `%load_ext batchnb`."""
    import_module("batchnb.notebook").load(shell)
