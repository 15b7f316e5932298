"""The analysis as a whole, against a server that speaks the real protocol."""

import json
import threading
from dataclasses import replace
from importlib.metadata import EntryPoint

import protocol_fake
import pytest
from protocol_fake import honest, running, verdict
from support import write

from batchnb.analyzers.base import AnalysisContext, check_options
from batchnb.analyzers.gpt4all import GPT4AllAnalyzer
from batchnb.analyzers.isolated import isolate
from batchnb.analyzers.raw import RawAnalysis
from batchnb.analyzers.registry import GROUP, AnalyzerRegistry
from batchnb.engine.service import BatchAnalysisService
from batchnb.engine.storage import JobStorage
from batchnb.records import CoverageStatus, JobStatus, Severity, TaskStatus
from batchnb.records.errors import InvalidValueError
from batchnb.tools.cancellation import CancelToken, Deadline


def values(report, metric="requirement_met", tool="llm"):
    return [m.value for m in report.measurements if (m.metric, m.tool) == (metric, tool)]


def only_cell(report):
    (cell,) = report.coverage
    return cell


@pytest.fixture
def at_hand(base, server, tmp_path):
    """Return the analyzer, the app, options and a context, for what `check_requirements` hides."""
    analyzer = GPT4AllAnalyzer(base)
    options = check_options(GPT4AllAnalyzer, {"address": server.address}, "test")
    (tmp_path / "scratch").mkdir()
    context = AnalysisContext(
        scratch=tmp_path / "scratch",
        deadline=Deadline.after(60),
        cancel=CancelToken(),
        progress=lambda percent: None,
        secrets=analyzer.given_secrets(),
    )
    return analyzer, analyzer.find_app("atlas", 1), options, context


def test_each_requirement_gets_a_number_with_its_proof_and_what_is_not_met_is_a_finding(check, server):
    server.answer = honest
    report = check()

    assert values(report) == [1.0, 1.0, 0.0]
    first, _, third = [m for m in report.measurements if m.metric == "requirement_met"]
    assert (first.subject, first.samples, first.low, first.high) == ("requirement 1", 1, None, None)
    assert 'backend/app.py:8 `@app.get("/api/products")`' in first.detail
    assert "GET /api/products lists the products" in first.detail
    assert values(report, "requirement_confidence") == [0.9, 0.9, 0.7]
    (issue,) = report.issues
    assert (issue.rule, issue.severity, issue.message) == (
        "requirement-not-met",
        Severity.LOW,
        "There are refunds",
    )
    assert third.detail.startswith("There are refunds | verdict: not met")
    cell = only_cell(report)
    assert (cell.tool, cell.status, cell.files_eligible, cell.files_seen) == ("llm", CoverageStatus.OK, 1, 1)
    assert cell.tool_version == f"small at {server.address}"


def test_all_questions_of_an_app_begin_with_the_same_bytes_up_to_the_requirement(check, server):
    check()
    prompts = [body["messages"] for body in server.asked]
    heads = {(m[0]["content"], m[1]["content"].split("REQUIREMENT: ")[0]) for m in prompts}
    assert len(prompts) == 3
    assert len(heads) == 1
    assert "products()" in heads.pop()[1]


def test_tokens_seconds_and_cost_are_measured(check, server):
    server.usage = {"prompt_tokens": 1_000, "completion_tokens": 100}
    report = check(input_price=2.0, output_price=10.0)
    assert values(report, "prompt_tokens") == [3_000.0]
    assert values(report, "completion_tokens") == [300.0]
    assert values(report, "cost") == [pytest.approx(0.009)]
    assert values(report, "llm_seconds")[0] > 0


def test_a_server_that_counts_no_tokens_gives_none_and_not_zero(check, server):
    server.usage = None
    report = check(input_price=2.0)
    assert values(report, "prompt_tokens") == [None]
    assert values(report, "cost") == [None]


def test_one_vote_is_asked_at_temperature_zero_and_several_with_fixed_seeds(check, server):
    check()
    assert {(body["temperature"], body["seed"]) for body in server.asked} == {(0.0, 1001)}
    server.asked.clear()
    check(votes=3, vote_temperature=0.5)
    assert [(body["temperature"], body["seed"]) for body in server.asked[:3]] == [
        (0.5, 1001),
        (0.5, 1002),
        (0.5, 1003),
    ]


def test_the_majority_decides_and_says_how_large_it_is(check, server):
    def answer(question):
        word = {1001: "met", 1002: "met", 1003: "not_met"}[question.body["seed"]]
        return verdict(question, word, [("backend/app.py", 8, '@app.get("/api/products")')])

    server.answer = answer
    report = check(votes=3)
    assert values(report) == [1.0, 1.0, 1.0]
    assert values(report, "requirement_agreement") == [pytest.approx(2 / 3)] * 3


def test_a_second_look_at_the_quoted_places_can_take_met_back(check, server):
    def answer(question):
        is_excerpt = not any("A shop." in text for _, _, text in question.lines)
        word = "cannot_tell" if is_excerpt else "met"
        return verdict(question, word, [("backend/app.py", 14, "def add_to_cart():")])

    server.answer = answer
    assert values(check()) == [1.0, 1.0, 1.0]
    server.asked.clear()
    report = check(confirm_met=True)
    assert len(server.asked) == 3  # the first answers are known
    assert values(report) == [None, None, None]
    assert "not confirmed by a second look" in report.measurements[0].detail


# ------------------------------------------------------------------------------------ the cache


def test_what_was_asked_before_is_not_asked_again_and_coverage_says_so(check, server):
    server.answer = honest
    first, asked = check(), len(server.asked)
    second = check()
    assert len(server.asked) == asked == 3
    assert values(first) == values(second)
    cell = only_cell(second)
    assert cell.cached
    assert "3 of 3 answers from the cache" in cell.detail
    assert values(second, "prompt_tokens") == [0.0]
    assert not only_cell(first).cached


def test_other_code_another_model_or_no_cache_asks_anew(check, server, base):
    check()
    check(cache=False)
    assert len(server.asked) == 6
    server.models.append({"id": "large"})
    check(llm_model="large")
    assert len(server.asked) == 9
    write(base / "atlas" / "app1" / "backend" / "app.py", "x = 1\n")
    check()
    assert len(server.asked) == 12


def test_the_cache_is_json_that_only_the_user_reads_and_damage_is_no_answer(check, server, tmp_path):
    check()
    files = sorted((tmp_path / "cache").rglob("*.json"))
    assert len(files) == 3
    for file in files:
        assert file.stat().st_mode & 0o077 == 0
        assert set(json.loads(file.read_text())) >= {"text", "form"}
    files[0].write_text('{"text": "{\\"verdict\\": \\"met\\"}"}')
    files[1].write_text("\x80\x04.")
    report = check()
    assert len(server.asked) == 5
    assert only_cell(report).status is CoverageStatus.OK


def test_answers_that_are_none_are_not_kept(check, server):
    server.answer = lambda question: "I think so."
    check()
    check()
    assert len(server.asked) == 6


def test_a_cache_that_cannot_be_written_spoils_nothing_and_is_told(check, server, tmp_path, monkeypatch):
    monkeypatch.setenv("BATCHNB_CACHE", str(write(tmp_path / "a_file", "x")))
    report = check()
    assert len(server.asked) == 3
    assert "the cache cannot be" in only_cell(report).detail


def test_a_damaged_secret_of_the_cache_is_told(check, server, tmp_path):
    check()
    (tmp_path / "cache" / "llm" / "nonce.key").write_bytes(b"short")
    report = check()
    assert len(server.asked) == 6
    assert "the cache cannot be used: nonce.key" in only_cell(report).detail


# ------------------------------------------------------------------------- what is missing or fails


def test_without_a_server_it_is_a_missing_tool_and_says_how_to_get_one(base):
    with running() as gone:
        address = gone.address
    report = GPT4AllAnalyzer(base).check_requirements("atlas", 1, address=address)
    cell = only_cell(report)
    assert cell.status is CoverageStatus.TOOL_MISSING
    assert "GPT4All" in cell.detail
    assert report.measurements == ()
    assert report.issues == ()


def test_the_rule_of_thumb_runs_only_if_asked_for_and_is_never_called_an_llm(base):
    with running() as gone:
        address = gone.address
    report = GPT4AllAnalyzer(base).check_requirements("atlas", 1, address=address, heuristic=True)
    llm, rule = report.coverage
    assert (llm.tool, llm.status) == ("llm", CoverageStatus.TOOL_MISSING)
    assert (rule.tool, rule.status) == ("heuristic", CoverageStatus.OK)
    assert rule.detail == "heuristic, not an LLM"
    assert {m.tool for m in report.measurements} == {"heuristic"}
    assert all("heuristic, not an LLM" in m.detail for m in report.measurements)
    assert values(report, tool="heuristic")[:2] == [1.0, 1.0]


def test_a_job_skips_the_task_as_a_missing_dependency(base):
    with running() as gone:
        options = {"gpt4all": {"address": gone.address}}
    point = EntryPoint("gpt4all", "batchnb.analyzers.gpt4all:GPT4AllAnalyzer", GROUP)
    storage = JobStorage()
    service = BatchAnalysisService(storage, base, registry=AnalyzerRegistry([point]))
    wanted = {"models": ["atlas"], "analysis_types": ["gpt4all"], "analysis_options": options}
    job_id = storage.create_job(wanted).id
    assert service.start_job(job_id)
    assert service.wait(job_id, 60)
    service.close()
    (result,) = storage.get_results(job_id)
    assert result.status is TaskStatus.SKIPPED
    assert "cannot be reached" in result.details["reason"]
    assert storage.get_job(job_id).status is JobStatus.FAILED


@pytest.mark.parametrize(
    ("models", "wanted", "said"),
    [([], "", "has no model ''"), ([{"id": "a"}, {"id": "b"}], "c", "it offers: a, b")],
)
def test_a_server_without_the_model_is_a_missing_tool(check, server, models, wanted, said):
    server.models = models
    cell = only_cell(check(llm_model=wanted))
    assert cell.status is CoverageStatus.TOOL_MISSING
    assert said in cell.detail


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (None, CoverageStatus.NOT_APPLICABLE, "there is no requirements.json"),
        ('{"2": {"requirements": ["a"]}}', CoverageStatus.NOT_APPLICABLE, "no entry for app 1"),
        ('{"1": {"requirements": []}}', CoverageStatus.NOT_APPLICABLE, "lists no requirement"),
        ('{"1": {"requirements": "all"}}', CoverageStatus.FAILED, "no list of texts"),
        ("[1", CoverageStatus.FAILED, "is not of the form"),
    ],
)
def test_without_requirements_nothing_is_asked(check, server, base, content, status, said):
    (base / "requirements.json").unlink()
    if content is not None:
        write(base / "requirements.json", content)
    cell = only_cell(check())
    assert cell.status is status
    assert said in cell.detail
    assert server.paths == []


def test_requirements_can_be_given(base, server):
    server.answer = honest
    report = GPT4AllAnalyzer(base).check_requirements("atlas", 1, ["It has a cart"], address=server.address)
    assert values(report) == [1.0]


def test_an_app_without_source_is_not_applicable_and_a_linked_file_is_named(check, base):
    (base / "atlas" / "app1" / "backend" / "app.py").rename(base / "hidden.py")
    assert only_cell(check()).status is CoverageStatus.NOT_APPLICABLE
    (base / "atlas" / "app1" / "backend" / "app.py").symlink_to("/etc/passwd")
    cell = only_cell(check())
    assert cell.status is CoverageStatus.FAILED
    assert "backend/app.py (is a link)" in cell.detail


def test_answers_that_are_none_at_all_fail_the_cell(check, server):
    server.answer = lambda question: "Yes, of course."
    report = check()
    cell = only_cell(report)
    assert cell.status is CoverageStatus.FAILED
    assert "0 of 3 requirements answered" in cell.detail
    assert values(report) == [None, None, None]
    assert report.issues == ()


def test_a_server_that_breaks_off_in_between_leaves_a_partial_cell(check, server):
    server.answer = honest
    broken = (400, {}, {"error": {"message": "the model was unloaded"}})
    server.trouble = []

    def answer(question):
        server.trouble += [broken] * 50
        return honest(question)

    server.answer = answer
    report = check()
    cell = only_cell(report)
    assert cell.status is CoverageStatus.PARTIAL
    assert "1 of 3 requirements answered: HTTP 400: the model was unloaded" in cell.detail
    assert values(report) == [1.0, None, None]


def breaks_after_the_first_answer(server):
    def answer(question):
        server.trouble += [(400, {}, {"error": {"message": "the model was unloaded"}})] * 50
        return honest(question)

    server.answer = answer


def test_votes_that_are_missing_do_not_count_for_those_that_are_there(check, server):
    breaks_after_the_first_answer(server)
    report = check(votes=3, requirements=("It fills the cart",))
    assert values(report) == [None]
    assert "2 of 3 votes are missing" in report.measurements[0].detail
    assert only_cell(report).status is CoverageStatus.PARTIAL
    assert "the model was unloaded" in only_cell(report).detail


def test_nothing_is_met_without_the_second_look_that_was_wanted(check, server):
    breaks_after_the_first_answer(server)
    report = check(confirm_met=True, cache=False, requirements=("It fills the cart",))
    assert values(report) == [None]
    assert "there was no second look" in report.measurements[0].detail
    assert only_cell(report).status is CoverageStatus.PARTIAL


def test_not_met_is_not_believed_if_a_file_could_not_be_read(check, server, base):
    (base / "atlas" / "app1" / "backend" / "refunds.py").symlink_to("/etc/passwd")
    server.answer = lambda question: verdict(question, "not_met")
    report = check()
    assert values(report) == [None] * 3
    assert report.issues == ()
    assert "not all of the code was shown" in report.measurements[0].detail


def test_requirements_beyond_the_bounds_are_told(check, server, base):
    listed = [*(f"{number} carts" for number in range(201)), "beyond"]
    listed[0] = "y" * 2_001
    write(base / "requirements.json", json.dumps({"1": {"requirements": listed}}))
    report = check(heuristic=True)
    assert len(values(report)) == 200
    for cell in report.coverage:
        assert cell.status is CoverageStatus.PARTIAL
        assert "only the first 200 of 202 requirements were checked" in cell.detail
        assert "1 requirements were cut off after 2,000 characters" in cell.detail


def test_the_rule_of_thumb_names_the_sources_whose_routes_it_does_not_know(check, base):
    write(base / "atlas" / "app1" / "backend" / "broken.py", "def broken(:\n")
    (rule,) = [cell for cell in check(heuristic=True).coverage if cell.tool == "heuristic"]
    assert rule.status is CoverageStatus.PARTIAL
    assert [file.path for file in rule.unread] == ["backend/broken.py"]
    assert (rule.files_eligible, rule.files_seen) == (2, 1)


# --------------------------------------------------------------------------- stopping, crossing, keeping


def test_cancel_is_answered_within_a_second_and_hangs_up(at_hand, server):
    analyzer, app, options, context = at_hand
    server.release.clear()
    reports = []
    asking = threading.Thread(target=lambda: reports.append(analyzer.analyze(app, options, context)))
    asking.start()
    assert server.arrived.wait(20)
    context.cancel.cancel("enough")
    asking.join(1.0)
    assert not asking.is_alive()
    assert only_cell(reports[0]).status is CoverageStatus.CANCELLED
    assert len(server.asked) == 1


def test_the_deadline_is_kept_while_the_server_thinks(at_hand, server):
    analyzer, app, options, context = at_hand
    server.release.clear()
    context.deadline = Deadline.after(0.5)
    report = analyzer.analyze(app, options, context)
    assert only_cell(report).status is CoverageStatus.TIMED_OUT
    assert report.measurements == ()


def test_it_works_in_a_process_of_its_own_with_the_cache_of_the_user(at_hand, server, base, tmp_path):
    _, app, options, context = at_hand
    server.answer = honest
    for _ in range(2):
        report = isolate(GPT4AllAnalyzer, base).analyze(app, options, context)
        assert values(report) == [1.0, 1.0, 0.0]
    assert len(server.asked) == 3
    assert only_cell(report).cached
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 3


def test_kept_answers_are_read_again_without_server_or_app_and_looked_up_anew(at_hand, server, tmp_path):
    analyzer, app, options, context = at_hand
    server.answer = honest
    context.raw_file = tmp_path / "raw" / "1.json.gz"
    report = analyzer.analyze(app, options, context)
    raw = RawAnalysis.load(context.raw_file)
    assert analyzer.parse(raw) == [report]

    (target,) = raw.targets
    emptied = replace(target.files, sources=dict.fromkeys(target.files.sources, "x = 1\n"))
    (again,) = analyzer.parse(replace(raw, targets=(replace(target, files=emptied),)))
    assert values(again) == [None, None, 0.0]


def test_a_damaged_transcript_fails_the_cell(at_hand):
    analyzer, app, options, context = at_hand
    raw = analyzer.collect([app], options, context)
    for output in ("", "[]", '{"format": 1}', '{"format": 2}'):
        (report,) = analyzer.parse(replace(raw, runs=(replace(raw.runs[0], output=output),)))
        assert only_cell(report).status is CoverageStatus.FAILED


# ---------------------------------------------------------------------------- the address and the key


@pytest.mark.parametrize(
    "address",
    [
        "http://203.0.113.7:4891/v1",
        "http://127.0.0.1.evil.example/v1",
        "http://localhost@203.0.113.7/v1",
        "http://key:secret@127.0.0.1:4891/v1",
        "ftp://127.0.0.1/v1",
        "http://127.0.0.1:4891\\@203.0.113.7/v1",
        "",
    ],
)
def test_only_this_machine_is_asked_unless_the_user_says_otherwise(check, server, address):
    with pytest.raises(InvalidValueError):
        check(address=address)
    assert server.paths == []


def test_a_redirect_is_not_followed(check, server):
    with running() as other:
        server.trouble = [(307, {"Location": f"{other.address}/chat/completions"}, "")] * 10
        report = check()
        assert other.paths == []
    assert "redirects, which is not followed" in only_cell(report).detail


def test_proxies_of_the_environment_get_nothing(check, server, monkeypatch):
    with running() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        check()
        assert proxy.paths == []
    assert len(server.asked) == 3


def test_the_key_is_sent_as_a_header_and_is_in_no_text_even_if_the_server_repeats_it(
    at_hand, server, monkeypatch, tmp_path, caplog
):
    key = "sk-canary-7d31f0aa52c94e"
    monkeypatch.setenv("BATCHNB_LLM_API_KEY", key)
    analyzer, app, options, context = at_hand
    context.secrets = analyzer.given_secrets()
    context.raw_file = tmp_path / "raw.json.gz"
    server.trouble = [(403, {}, {"error": {"message": f"Bearer {key} may not do this"}})]
    server.answer = lambda question: verdict(question, "not_met", reason=f"your key is {key}")
    with caplog.at_level("DEBUG"):
        report = analyzer.analyze(app, options, context)

    assert {head.get("Authorization") for head in server.heads} == {f"Bearer {key}"}
    assert key not in repr(report)
    assert "[the API key]" in repr(report)
    assert key not in caplog.text
    assert key not in repr(RawAnalysis.load(context.raw_file))
    assert key not in json.dumps(server.asked)
    for file in (tmp_path / "cache").rglob("*"):
        assert file.is_dir() or key.encode() not in file.read_bytes()


@pytest.mark.parametrize("key", ["x", "none", "cart"])
def test_the_words_that_local_servers_want_for_a_key_spoil_no_answer(check, server, monkeypatch, key):
    monkeypatch.setenv("BATCHNB_LLM_API_KEY", key)
    server.models = [{"id": "mixtral-cart", "max_model_len": 16_000}]
    server.answer = honest
    report = check(llm_model="mixtral-cart")
    assert values(report) == [1.0, 1.0, 0.0]
    assert "assumed" not in only_cell(report).detail
    assert {head["Authorization"] for head in server.heads} == {f"Bearer {key}"}


def test_a_key_from_a_file_may_end_in_a_line_end_and_one_that_cannot_be_sent_is_not_shown(
    check, server, monkeypatch
):
    monkeypatch.setenv("BATCHNB_LLM_API_KEY", "sk-canary-7d31f0aa\n")
    assert only_cell(check()).status is CoverageStatus.OK
    assert {head["Authorization"] for head in server.heads} == {"Bearer sk-canary-7d31f0aa"}
    for key in ("sk-canary-\u00e9-7d31f0aa", "sk-canary\nX-More: 7d31f0aa"):
        monkeypatch.setenv("BATCHNB_LLM_API_KEY", key)
        with pytest.raises(InvalidValueError, match="API key") as caught:
            check()
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("status", "found"), [(200, True), (401, True), (404, False)])
def test_looking_for_a_server_does_not_give_it_the_key(base, server, monkeypatch, status, found):
    monkeypatch.setenv("BATCHNB_LLM_API_KEY", "sk-canary-7d31f0aa")
    monkeypatch.setattr("batchnb.analyzers.gpt4all.DEFAULT_ADDRESS", server.address)
    monkeypatch.setattr(protocol_fake._Handler, "do_GET", lambda self: (self._note(), self._send(status, {})))
    (need,) = GPT4AllAnalyzer(base).needs()
    assert (need.command is not None) == found
    assert all("Authorization" not in head for head in server.heads)


def test_without_a_key_no_header_is_sent(check, server):
    check()
    assert all("Authorization" not in head for head in server.heads)


# -------------------------------------------------------------------------------- what it needs


def test_what_it_needs_is_optional_and_told_with_a_way_to_get_it(base):
    (need,) = GPT4AllAnalyzer(base).needs()
    assert (need.name, need.optional) == ("llm", True)
    assert "GPT4All" in need.install_hint
    assert GPT4AllAnalyzer(base).missing_tools() == ()


def test_the_option_schema_can_make_a_form():
    fields = GPT4AllAnalyzer.options.model_fields
    assert all(field.title and field.description for field in fields.values())
    with pytest.raises(InvalidValueError):
        check_options(GPT4AllAnalyzer, {"votes": 0}, "test")


def test_progress_is_told_and_never_goes_back(at_hand, server):
    analyzer, app, _, context = at_hand
    told = []
    context.progress = told.append
    options = check_options(
        GPT4AllAnalyzer, {"address": server.address, "requirements": ["a", "b", "c", "d"]}, "test"
    )
    analyzer.analyze(app, options, context)
    assert told == sorted(told)
    assert told[-1] == 95
