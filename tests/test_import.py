"""`import batchnb` costs next to nothing, and every public name is there when it is asked for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import batchnb

HEAVY = (
    "concurrent_log_handler",
    "pandas",
    "plotly",
    "ipywidgets",
    "IPython",
    "apsw",
    "pydantic",
    "traitlets",
    "numpy",
    "tree_sitter",
    "jinja2",
)
REPOSITORY = Path(__file__).parents[1]


def python(code):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_importing_it_loads_no_heavy_package_and_takes_a_moment():
    code = (
        "import sys, time, json; start = time.perf_counter(); import batchnb; "
        "seconds = time.perf_counter() - start; print(json.dumps([seconds, list(sys.modules)]))"
    )
    runs = [python(code) for _ in range(3)]

    loaded = {name.partition(".")[0] for name in runs[0][1]}
    assert loaded.isdisjoint(HEAVY)
    assert "batchnb" in loaded
    assert min(seconds for seconds, _ in runs) < 0.3


def test_looking_at_the_names_loads_nothing_either():
    code = "import sys, json, batchnb; dir(batchnb); batchnb.__all__; print(json.dumps(list(sys.modules)))"

    assert {name.partition(".")[0] for name in python(code)}.isdisjoint(HEAVY)


def test_the_records_need_the_standard_library_alone():
    code = "import sys, json, batchnb.records; print(json.dumps(sorted(sys.modules)))"

    packages = {name.partition(".")[0] for name in python(code)} - {"__main__", "batchnb", "__mp_main__"}
    allowed = set(sys.stdlib_module_names)
    assert {name for name in packages if not name.startswith(("_", "sitecustomize"))} <= allowed


def test_the_engine_loads_no_frame_chart_or_widget():
    code = "import sys, json, batchnb; batchnb.open, batchnb.JobStorage; print(json.dumps(list(sys.modules)))"

    loaded = {name.partition(".")[0] for name in python(code)}
    assert loaded.isdisjoint({"pandas", "plotly", "ipywidgets", "IPython", "numpy", "traitlets", "jinja2"})


@pytest.mark.parametrize("name", batchnb.__all__)
def test_every_public_name_resolves(name):
    assert getattr(batchnb, name) is getattr(batchnb, name)
    assert name in dir(batchnb)


def test_the_interface_of_the_product_page_is_public():
    promised = {"doctor", "open", "severity_chart", "BatchPanel", "Workspace", "Job"}
    seed = {"BatchAnalysisService", "TaskExecutor", "JobStorage", "JobStatus", "TaskStatus", "AnalysisType"}

    assert promised | seed | {"LoggerFactory", "BackendSecurityAnalyzer"} <= set(batchnb.__all__)
