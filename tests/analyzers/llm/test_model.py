"""How servers differ, and what is done about it: forms of answers, paths, fields, troubles."""

import contextlib
import json
import socket
import threading

import protocol_fake
import pytest
from protocol_fake import honest

from batchnb.analyzers.gpt4all import GPT4AllAnalyzer
from batchnb.analyzers.llm import connection
from batchnb.records import CoverageStatus


def met(report):
    return [m.value for m in report.measurements if m.metric == "requirement_met"]


def forms(server):
    return [
        "json_schema" if "response_format" in body else "grammar" if "grammar" in body else "plain"
        for body in server.asked
    ]


@pytest.mark.parametrize(
    ("accepted", "tried"),
    [
        (("json_schema", "grammar", "plain"), ["json_schema"] * 3),
        (("grammar", "plain"), ["json_schema", "grammar", "grammar", "grammar"]),
        (("plain",), ["json_schema", "grammar", "plain", "plain", "plain"]),
    ],
)
def test_the_form_that_the_server_accepts_is_found_and_remembered(check, server, accepted, tried):
    server.forms, server.answer = accepted, honest
    assert met(check()) == [1.0, 1.0, 0.0]
    assert forms(server) == tried
    server.asked.clear()
    assert met(check(cache=False)) == [1.0, 1.0, 0.0]
    assert forms(server) == [accepted[0]] * 3


def test_a_server_without_seeds_is_asked_without(check, server):
    server.has_seed, server.answer = False, honest
    assert met(check()) == [1.0, 1.0, 0.0]
    assert ["seed" in body for body in server.asked] == [True, False, False, False]
    assert forms(server) == ["json_schema"] * 4


def test_a_server_like_gpt4all_that_knows_neither_is_asked_plainly(check, server):
    server.has_seed, server.forms, server.answer = False, ("plain",), honest
    assert met(check()) == [1.0, 1.0, 0.0]
    assert forms(server)[-1] == "plain"
    assert "seed" not in server.asked[-1]


def test_a_server_without_chat_is_asked_for_completions_with_a_grammar(check, server):
    server.has_chat, server.answer = False, honest
    assert met(check()) == [1.0, 1.0, 0.0]
    assert server.paths[-3:] == ["/v1/completions"] * 3
    assert forms(server)[1:] == ["grammar"] * 3


def test_a_model_without_a_chat_template_is_not_asked_to_chat(check, server):
    server.props = {"default_generation_settings": {"n_ctx": 8_192}, "chat_template": ""}
    server.answer = honest
    assert met(check()) == [1.0, 1.0, 0.0]
    assert "/v1/chat/completions" not in server.paths


def test_a_refusal_for_want_of_a_template_leads_to_completions(check, server):
    message = "default chat template is no longer allowed, so you must provide a chat template"
    server.trouble, server.answer = [(400, {}, {"error": {"message": message}})], honest
    assert met(check()) == [1.0, 1.0, 0.0]
    assert server.paths[-3:] == ["/v1/completions"] * 3


@pytest.mark.parametrize(
    ("models", "props", "given", "expected", "source"),
    [
        ([{"id": "m"}], None, 0, 4_096, "default"),
        ([{"id": "m", "max_model_len": 16_000}], None, 0, 16_000, "server"),
        ([{"id": "m", "context_length": 9_000}], None, 0, 9_000, "server"),
        ([{"id": "m", "meta": {"n_ctx": 8_000}}], None, 0, 8_000, "server"),
        ([{"id": "m", "meta": {"n_ctx": "8"}}], {"default_generation_settings": {}}, 0, 4_096, "default"),
        (
            [{"id": "m", "meta": {"n_ctx": 8_000}}],
            {"default_generation_settings": {"n_ctx": 4_000}},
            0,
            4_000,
            "server",
        ),
        ([{"id": "m", "meta": None}], [], 7_000, 7_000, "option"),
    ],
)
def test_the_context_window_is_the_options_or_the_servers_or_a_guess_that_is_told(  # noqa: PLR0917
    check, server, monkeypatch, models, props, given, expected, source
):
    server.models, server.props = models, props
    server.answer = honest
    from batchnb.analyzers.llm.interview import Interview

    seen = []
    hold = Interview.hold
    monkeypatch.setattr(Interview, "hold", lambda self, what: seen.append(hold(self, what)) or seen[0])
    (cell,) = check(context_tokens=given).coverage
    assert (seen[0].context_tokens, seen[0].context_source) == (expected, source)
    assert ("4,096 tokens assumed" in cell.detail) == (source == "default")


BUSY = [(429, {"Retry-After": "0"}, "slow down"), (503, {}, {"error": {"message": "Loading model"}})]


def test_a_busy_server_is_asked_again(check, server):
    server.trouble, server.answer = list(BUSY), honest
    assert met(check()) == [1.0, 1.0, 0.0]
    assert len(server.asked) == 5


def test_a_server_that_stays_busy_is_given_up_and_said(check, server):
    server.trouble = [BUSY[1]] * 100
    (cell,) = check().coverage
    assert cell.status is CoverageStatus.FAILED
    assert "HTTP 503: Loading model" in cell.detail
    assert len(server.asked) == 3 * connection.ATTEMPTS


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((200, {}, "<html>"), "the reply is no completion"),
        ((200, {}, {"choices": []}), "the reply is no completion"),
        ((200, {}, {"choices": [{"message": {"content": None}}]}), "the reply is no completion"),
        ((200, {}, "[" * 100_000), "the reply is no completion"),
        ((200, {"Content-Encoding": "gzip"}, "x"), "is compressed"),
        ((200, {}, "x" * (connection.MAX_REPLY_BYTES + 1)), "larger than"),
        ((401, {}, {"error": "Invalid API key"}), "HTTP 401: Invalid API key"),
        ((413, {}, ""), "HTTP 413: no text"),
    ],
)
def test_replies_that_are_none_fail_the_requirement_with_the_reason(check, server, reply, said):
    server.trouble, server.answer = [reply], honest
    report = check()
    (cell,) = report.coverage
    assert cell.status is CoverageStatus.PARTIAL
    assert said in cell.detail
    assert met(report) == [None, 1.0, 0.0]


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, {}), (401, {"error": "no"}), (200, "x"), (200, {"data": 3}), (200, {"data": [1]})],
)
def test_a_list_of_models_that_is_none_fails(check, server, monkeypatch, status, body):
    monkeypatch.setattr(
        protocol_fake._Handler, "do_GET", lambda self: (self._note(), self._send(status, body))
    )
    (cell,) = check().coverage
    assert cell.status is CoverageStatus.FAILED
    assert "/models" in cell.detail


def test_an_answer_that_takes_too_long_is_given_up(check, server):
    server.release.clear()
    (cell,) = check(request_seconds=1).coverage
    assert cell.status is CoverageStatus.FAILED
    assert "no answer within 1 s" in cell.detail


def test_a_stream_of_events_that_nobody_asked_for_is_read(check, server):
    def answer(question):
        text = honest(question)
        events = [{"choices": [{"delta": {"content": part}}]} for part in (text[:20], text[20:])]
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        server.trouble.append(
            (200, {"Content-Type": "text/event-stream"}, "".join(lines) + "data: [DONE]\n\n")
        )
        return text

    server.answer = answer
    assert met(check())[:1] == [1.0]
    assert met(check(requirements=("It fills the cart",))) == [None]


def test_a_reply_that_trickles_is_given_up_at_the_same_time(check, server, monkeypatch):
    ended = threading.Event()

    def trickle(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not ended.wait(0.2):
            handler.wfile.write(b" ")

    monkeypatch.setattr(protocol_fake._Handler, "do_POST", trickle)
    try:
        (cell,) = check(request_seconds=1, requirements=("It fills the cart",)).coverage
    finally:
        ended.set()
    assert cell.status is CoverageStatus.FAILED
    assert "no answer within 1 s" in cell.detail


def test_a_host_that_takes_no_connection_is_no_server(base, monkeypatch):
    monkeypatch.setattr(connection, "_CONNECT_SECONDS", 0.3)
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(8):  # nobody accepts, so that the queue is full
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        address = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        (cell,) = GPT4AllAnalyzer(base).check_requirements("atlas", 1, address=address).coverage
    assert cell.status is CoverageStatus.TOOL_MISSING
    assert "cannot be reached: no connection within 0.3 s" in cell.detail
