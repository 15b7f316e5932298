"""The explorer without a browser: queries, facets, gaps, decisions, files, and a page that sends anything."""

from __future__ import annotations

import json
import random
import threading
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support import coverage, finding, wait_until

from batchnb.records import CoverageStatus, Severity
from batchnb.records.errors import InvalidValueError
from batchnb.results.dataset import Dataset
from batchnb.results.decisions.deciding import make_decisions
from batchnb.results.decisions.triage import apply_decisions
from batchnb.results.frames import decisions_frame
from batchnb.widgets.explorer import Explorer
from batchnb.widgets.explorer.answer import positions_of, present_answer
from batchnb.widgets.explorer.bars import MOST_BARS
from batchnb.widgets.explorer.detail import present_detail
from batchnb.widgets.explorer.loaded import load
from batchnb.widgets.explorer.query import Query, changed
from batchnb.widgets.explorer.snippet import present_snippet

EVIL = "<img src=x onerror=window.pwn=1>\u202e$x$"
LEVELS = list(Severity)


def until(condition):
    assert wait_until(condition)


def some(count, *, seed=1, models=3, apps=4):
    pick = random.Random(seed)
    return [
        finding(
            model=f"model-{n % models}",
            app_num=n // models % apps + 1,
            tool=pick.choice(["bandit", "ruff", "oxlint"]),
            rule=f"R{pick.randint(1, 60)}",
            severity=pick.choice(LEVELS),
            cwe=pick.choice([79, 89, None]),
            path=f"backend/f{pick.randint(1, 9)}.py",
            line=pick.randint(1, 400),
            message=f"message {pick.randint(1, 5000)} about something",
            snippet=f"x = f({pick.randint(1, 99999)})",
            fingerprint=f"{n:016x}",
            tags=pick.choice([(), ("noise",), ("noise", "unproven")]),
        )
        for n in range(count)
    ]


def everywhere(models=3, apps=4):
    return [
        coverage(model=f"model-{model}", app_num=app, tool=tool)
        for model in range(models)
        for app in range(1, apps + 1)
        for tool in ("bandit", "ruff", "oxlint")
    ]


@pytest.fixture(scope="module")
def loaded():
    return load(Dataset.from_records(findings=some(300), coverage=everywhere()))


def ask(loaded, query, *messages):
    for message in messages:
        query = changed(query, message, loaded.sheets)
    return query


def choose(loaded, query, name, *values):
    known = list(loaded.sheets[query.sheet].facets[name].values)
    places = [known.index(value) for value in values]
    return ask(
        loaded, query, *({"do": "facet", "name": name, "value": place, "on": True} for place in places)
    )


def facet_counts(answer, name):
    facet = next(each for each in answer["facets"] if each["name"] == name)
    return {each["label"]: each["count"] for each in facet["values"]}


# ------------------------------------------------------------------------------------------ filter and sort


def test_a_filter_is_the_same_as_one_by_pandas(loaded):
    frame = loaded.sheets["findings"].frame
    query = choose(loaded, Query(search="MESSAGE 4"), "severity", "high", "low")
    query = choose(loaded, query, "model", "model-1")
    expected = frame[
        frame["severity"].isin(["high", "low"])
        & (frame["model"] == "model-1")
        & frame["message"].str.contains("message 4", regex=False)
    ]
    assert 0 < len(expected) < len(frame)
    assert sorted(positions_of(loaded.sheets["findings"], query)) == sorted(expected.index)
    answer = present_answer(loaded, query)
    assert (answer["count"], answer["total"]) == (len(expected), 300)


def test_counts_of_a_facet_are_beside_all_other_choices_but_its_own(loaded):
    frame = loaded.sheets["findings"].frame
    query = choose(loaded, choose(loaded, Query(), "severity", "high"), "model", "model-0")
    answer = present_answer(loaded, query)
    of_model = frame[frame["model"] == "model-0"]
    assert facet_counts(answer, "severity") == of_model["severity"].value_counts().to_dict()
    high = frame[frame["severity"] == "high"]
    assert facet_counts(answer, "model") == high["model"].value_counts().to_dict()


def test_a_row_counts_for_each_of_its_tags(loaded):
    tags = loaded.sheets["findings"].frame["tags"]
    answer = present_answer(loaded, Query())
    expected = {
        "noise": int(tags.str.contains("noise").sum()),
        "unproven": int(tags.str.contains("unproven").sum()),
        "no tag": int((tags == "").sum()),
    }
    assert facet_counts(answer, "tag") == expected
    query = choose(loaded, Query(), "tag", "unproven")
    assert present_answer(loaded, query)["count"] == expected["unproven"]


@pytest.mark.parametrize("text", ["(", ".*", "[a", "\\", "a|b", "$", "%"])
def test_a_search_is_literal(text):
    made = load(Dataset.from_records(findings=[finding(message=f"odd {text} odd"), finding(snippet="x")]))
    assert present_answer(made, Query(search=text))["count"] == 1


def test_a_search_finds_case_place_app_and_weakness():
    made = load(
        Dataset.from_records(findings=[finding(message="STRASSE", path="a/B.py", line=7), finding(cwe=79)])
    )
    for text in ("straße", "a/b.py:7", "App 2", "cwe-78", "BANDIT"):
        assert present_answer(made, Query(search=text))["count"] >= 1, text
    assert present_answer(made, Query(search="CWE-79"))["count"] == 1


def test_sorting_by_a_column_turns_and_comes_back_to_the_worst_first(loaded):
    frame, query = loaded.sheets["findings"].frame, Query()
    worst = positions_of(loaded.sheets["findings"], query)
    assert frame["severity"].iloc[worst[0]] == "high"
    seen = []
    for _ in range(3):
        query = ask(loaded, query, {"do": "sort", "name": "place"})
        seen.append(positions_of(loaded.sheets["findings"], query))
    upwards = frame["path"].iloc[seen[0]].tolist()
    assert upwards == sorted(upwards)
    assert frame["path"].iloc[seen[1]].tolist() == sorted(upwards, reverse=True)
    assert np.array_equal(seen[2], worst)


def test_pages_cut_the_rows_and_a_page_too_far_is_the_last(loaded):
    first = present_answer(loaded, Query())
    last = present_answer(loaded, Query(page=10**9))
    assert (len(first["rows"]), first["pages"], last["page"], last["first"]) == (50, 6, 5, 250)
    assert not {row["row"] for row in first["rows"]} & {row["row"] for row in last["rows"]}


def test_the_state_is_small_whatever_the_texts(loaded):
    long = [replace(each, message="m" * 5000, path="p" * 5000, rule="r" * 5000) for each in some(300)]
    made = load(Dataset.from_records(findings=long))
    assert len(json.dumps(present_answer(made, Query()))) < 80_000
    assert len(json.dumps(present_answer(loaded, Query()))) < 40_000


# --------------------------------------------------------------------------------------------- not measured


def test_an_empty_answer_about_an_unmeasured_app_says_so():
    cells = [*everywhere(), coverage(model="blind", app_num=3, status=CoverageStatus.TIMED_OUT, files_seen=0)]
    made = load(Dataset.from_records(findings=some(20), coverage=cells))
    query = choose(made, Query(), "model", "blind")  # it has no finding, and can be chosen all the same
    answer = present_answer(made, query)
    assert answer["count"] == 0
    assert not answer["measured"]["complete"]
    assert "does not mean that there is none" in answer["measured"]["empty"]
    assert "1 not measured" in answer["measured"]["empty"]
    assert "bandit timed out: blind app 3" in answer["measured"]["lines"][0]
    bar = next(row for row in answer["bars"]["rows"] if row["label"] == "blind")
    assert (bar["counts"], bar["unmeasured"], bar["gap"]) == ([0, 0, 0], 1, "not measured")


def test_an_empty_answer_about_measured_apps_is_told_apart(loaded):
    answer = present_answer(loaded, Query(search="no such text"))
    assert answer["measured"]["empty"].startswith("No finding matches. Measured completely: 12 apps")
    assert answer["measured"]["complete"]
    assert load(Dataset.from_records()).measuring.look({}).text == "Nothing was measured in this selection."


def test_a_gap_of_one_tool_matters_only_to_its_tool():
    cells = everywhere()
    cells[0] = replace(cells[0], status=CoverageStatus.FAILED, files_seen=0)
    made = load(Dataset.from_records(findings=some(100), coverage=cells))
    assert not present_answer(made, choose(made, Query(), "tool", "bandit"))["measured"]["complete"]
    assert present_answer(made, choose(made, Query(), "tool", "ruff"))["measured"]["complete"]


# ----------------------------------------------------------------------------------------------------- bars


def test_a_click_on_a_bar_chooses_exactly_it_and_the_next_takes_it_back(loaded):
    bars = present_answer(loaded, Query())["bars"]
    bar = bars["rows"][1]
    message = {"do": "bar", "name": "model", "value": bar["value"], "severity": bars["severities"][0]}
    query = ask(loaded, choose(loaded, Query(), "severity", "low"), message)
    assert present_answer(loaded, query)["count"] == bar["counts"][0]
    assert ask(loaded, query, message).chosen == {}


def test_bars_are_capped_and_say_so():
    many = [finding(model=f"m{n:03}", line=n) for n in range(1, 61)]
    bars = present_answer(load(Dataset.from_records(findings=many)), Query())["bars"]
    assert (len(bars["rows"]), bars["more"]) == (MOST_BARS, 60 - MOST_BARS)


# ------------------------------------------------------------------------------------------ hostile messages

NONSENSE = [None, True, -1, 10**9, 1.5, "x", [], {}, ["a"], {"a": 1}, "x" * 100_000]


@pytest.mark.parametrize(
    "do", ["search", "facet", "bar", "sort", "page", "sheet", "wide", "bars", "clear", "x"]
)
def test_a_query_survives_any_message(loaded, do):
    query = Query()
    for value in NONSENSE:
        for name in ("model", "severity", "message", value):
            message = {"do": do, "name": name, "value": value, "on": value, "severity": value}
            query = changed(query, {**message, "text": value, "page": value, "by": value}, loaded.sheets)
            present_answer(loaded, query)
    for do_what in NONSENSE:
        assert changed(query, {"do": do_what}, loaded.sheets) == query


def test_nothing_shown_is_invisible_or_long():
    evil = {"model": EVIL, "tool": EVIL, "rule": EVIL, "path": EVIL, "message": EVIL * 99, "tags": (EVIL,)}
    cells = [coverage(model=EVIL, tool=EVIL, status=CoverageStatus.FAILED, files_seen=0, detail=EVIL)]
    made = load(Dataset.from_records(findings=[finding(**evil, snippet=EVIL * 999)], coverage=cells))
    text = json.dumps(
        [present_answer(made, Query()), present_detail(made, "findings", 0)], ensure_ascii=False
    )
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert len(text) < 30_000


# ---------------------------------------------------------------------------------------------------- detail


def test_a_detail_has_the_evidence_of_every_tool():
    two = [finding(), finding(tool="ruff", rule="S602", severity=Severity.MEDIUM), finding(line=90)]
    made = load(Dataset.from_records(findings=two, coverage=[coverage()]))
    detail = present_detail(made, "findings", 0)
    assert [each["tool"] for each in detail["evidence"]] == ["bandit", "ruff"]
    assert detail["cwe"]["title"] == "CWE-78 OS Command Injection"
    of_fault = next(n for n, count in enumerate(made.sheets["consensus"].frame["n_findings"]) if count == 2)
    assert present_detail(made, "consensus", of_fault)["evidence"] == detail["evidence"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", "def f():\n    return '<b>' # hi\n"),
        ("a.jsx", "const a = <b>1</b>"),
        ("a.xyz", "\x00<b>"),
        ("a.py", ""),
    ],
)
def test_a_snippet_is_pieces_of_its_own_text(path, source):
    pieces = present_snippet(source, path)
    assert "".join(text for _, text in pieces) == source.replace("\x00", "\\x00")
    assert {name for name, _ in pieces} <= {"", "keyword", "string", "comment", "number", "name"}


def test_known_languages_are_coloured():
    assert ["keyword", "return"] in present_snippet("return 1", "x.py")


# ------------------------------------------------------------------------------------------------- decisions


def numbered(decisions, start=1):
    return [replace(each, id=n) for n, each in enumerate(decisions, start)]


def test_decisions_of_one_app_give_what_reading_all_again_gives():
    dataset = Dataset.from_records(findings=some(200), coverage=everywhere())
    made = load(dataset)
    rows = made.sheets["findings"].frame.iloc[[5, 17, 60]]
    decisions = numbered(make_decisions(rows, dataset, "accepted", reason="known", author="ann"))
    quick = made.with_decisions(decisions)
    whole = apply_decisions(replace(dataset, decisions=decisions_frame(decisions)))
    for name, frame in (("findings", whole.findings), ("consensus", whole.consensus)):
        pd.testing.assert_frame_equal(quick.sheets[name].frame, frame.reset_index(drop=True))
    assert int(quick.sheets["findings"].frame["verdict"].notna().sum()) >= 3
    assert made.sheets["findings"].frame["verdict"].isna().all()  # what was read stays as it was


# ------------------------------------------------------------------------------------------------- the widget


class Source:
    """A job, as far as an explorer is concerned."""

    def __init__(self, dataset):
        self.dataset = dataset


def ready(view):
    until(lambda: view.page.state.get("rows") is not None and not view.page.state["reading"])
    return view


def tell(view, **message):
    opened = list(view.page.detail.get("key", ()))
    view.heard({"generation": view.page.state["generation"], "key": opened, **message})


@pytest.fixture
def explorer(shown, tmp_path):
    def make(source=None, **options):
        given = source or Dataset.from_records(findings=some(120), coverage=everywhere())
        return ready(shown(Explorer(given, folder=tmp_path, **options)))

    return make


def test_the_newest_query_wins(explorer):
    view = explorer()
    for n, text in enumerate(("m", "me", "message 1", "no such"), 1):
        tell(view, do="search", text=text, page="tab", at=n)
    until(lambda: view.page.state["heard"] == {"tab": 4})
    assert (view.page.state["search"], view.page.state["count"]) == ("no such", 0)


def test_a_place_of_an_older_picture_means_nothing(explorer):
    view = explorer()
    view.heard({"do": "open", "row": 1, "generation": 99, "page": "t", "at": 1})
    until(lambda: view.page.state["heard"] == {"t": 1})
    assert view.page.detail == {}


def test_a_decision_is_made_off_the_callback_and_shown(explorer):
    calls, threads = [], []

    def decide(rows, verdict, **rest):
        threads.append(threading.current_thread())
        calls.append((len(rows), verdict, rest))
        return numbered(make_decisions(rows, dataset, verdict, **{"author": "ann", **rest}))

    dataset = Dataset.from_records(findings=some(60), coverage=everywhere())
    view = explorer(dataset, decide=decide)
    tell(view, do="open", row=3)
    until(lambda: view.page.detail)
    tell(view, do="decide", verdict="accepted", reason=" ", expires="", author="")
    until(lambda: "say why" in view.page.desk["decide"]["failed"])
    tell(view, do="decide", verdict="accepted", reason="a test page", expires="2099-01-02", author="")
    until(lambda: view.page.detail["decision"])
    assert view.page.detail["decision"]["verdict"] == "accepted"
    assert view.page.detail["decision"]["expires"] == "2099-01-02"
    assert calls[0][:2] == (1, "accepted")
    assert "author" not in calls[0][2]
    assert threads[0] not in {threading.current_thread(), view.publisher.thread}
    until(lambda: view.page.desk["decide"]["said"] == "Decided: accepted.")


def test_a_decision_as_a_frame_counts_too_and_a_withdrawal_reads_again(explorer):
    source = Source(Dataset.from_records(findings=some(60), coverage=everywhere()))
    bare = source.dataset

    def decide(rows, verdict, **rest):
        made = decisions_frame(numbered(make_decisions(rows, bare, verdict, author="ann", **rest)))
        source.dataset = replace(bare, decisions=made)
        return made

    def withdraw(decision_id, **rest):
        assert (decision_id, rest) == (1, {"reason": "wrong"})
        source.dataset = bare

    view = explorer(source, decide=decide, withdraw=withdraw)
    tell(view, do="open", row=3)
    until(lambda: view.page.detail)
    tell(view, do="decide", verdict="confirmed", reason="seen", expires="", author="")
    until(lambda: view.page.detail.get("decision"))
    tell(view, do="decide", verdict="", reason="wrong")
    until(lambda: view.page.detail.get("decision", 1) is None)
    assert list(view.page.detail["key"]) == ["findings", 3]  # it is still the one that is open


def test_what_a_decision_failed_of_is_shown(explorer):
    def decide(*_, **__):
        raise RuntimeError(f"the store is gone {EVIL}")

    view = explorer(decide=decide)
    tell(view, do="open", row=0)
    until(lambda: view.page.detail)
    tell(view, do="decide", verdict="accepted", reason="x")
    until(lambda: "store is gone" in view.page.desk["decide"]["failed"])
    assert "\u202e" not in view.page.desk["decide"]["failed"]
    assert not view.page.desk["decide"]["busy"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "fixed"},
        {"verdict": []},
        {"reason": 5},
        {"reason": "x" * 5000},
        {"expires": "soon"},
        {"author": {}},
    ],
)
def test_a_wish_that_makes_no_sense_never_reaches_the_store(explorer, wrong):
    view = explorer(decide=lambda *_, **__: pytest.fail("it was called"))
    tell(view, do="open", row=0)
    until(lambda: view.page.detail)
    tell(view, **{"do": "decide", "verdict": "accepted", "reason": "x", **wrong})
    until(lambda: view.page.desk["decide"]["failed"])
    assert view.page.state["failure"] == ""


def test_a_decision_is_only_about_what_the_page_shows(explorer):
    view = explorer(decide=lambda *_, **__: pytest.fail("it was called"))
    tell(view, do="open", row=0)
    until(lambda: view.page.detail)
    tell(view, do="decide", verdict="accepted", reason="x", key=["findings", 1], page="tab", at=3)
    until(lambda: view.page.state["heard"] == {"tab": 3})
    assert view.page.desk["decide"] == {"busy": False, "said": "", "failed": ""}


def test_another_run_becomes_a_table_of_changes(explorer):
    all_ = some(120)
    before = Dataset.from_records(findings=all_[10:], coverage=everywhere())
    view = explorer(
        Dataset.from_records(findings=all_[:110], coverage=everywhere()), baseline=[("job 1", lambda: before)]
    )
    tell(view, do="compare", index=0)
    until(lambda: view.page.state["sheet"] == "comparison")
    states = facet_counts(view.page.state, "state")
    assert (states["new"], states["fixed"]) == (10, 10)
    assert view.page.desk["comparison"]["label"] == "job 1"
    tell(view, do="open", row=0)
    until(lambda: view.page.detail)
    assert not view.page.detail["can_decide"]


def test_a_run_that_cannot_be_read_is_said(explorer):
    def gone():
        raise InvalidValueError("job", 3, "it was deleted")

    view = explorer(baseline=[("job 3", gone)])
    tell(view, do="compare", index=0)
    until(lambda: "it was deleted" in view.page.desk["compare"]["failed"])


def test_models_are_compared_on_demand(explorer):
    view = explorer()
    assert view.models.outputs == ()
    tell(view, do="models", without="nonsense-rule")
    until(lambda: "nonsense-rule" in view.page.desk["models"]["failed"])
    tell(view, do="models", without="R1, bandit:R2")
    until(lambda: len(view.models.outputs) == 5)
    assert "application/vnd.plotly.v1+json" in view.models.outputs[1]["data"]
    assert "text/html" in view.models.outputs[1]["data"]


@pytest.mark.parametrize(
    ("ending", "name"),
    [
        ("csv", "findings.csv"),
        ("xlsx", "findings.xlsx"),
        ("parquet", "findings.parquet"),
        ("sarif", "results.sarif"),
        ("batchnb", "results.batchnb"),
    ],
)
def test_files_are_written_and_none_is_replaced(explorer, tmp_path, ending, name):
    view = explorer()
    (tmp_path / name).write_text("older")
    tell(view, do="search", text="message 1")
    tell(view, do="export", ending=ending)
    until(lambda: view.page.desk["export"]["said"])
    stem, dot = name.split(".")
    written = tmp_path / f"{stem}-2.{dot}"
    assert str(written) in view.page.desk["export"]["said"]
    assert (tmp_path / name).read_text() == "older"
    if ending == "parquet":
        assert len(pd.read_parquet(written)) == view.page.state["count"] < 120


def test_a_report_needs_a_job_and_a_folder_must_exist(explorer, tmp_path):
    view = explorer()
    tell(view, do="export", ending="html")
    until(lambda: "only a job" in view.page.desk["export"]["failed"])
    source = Source(Dataset.from_records(findings=some(9)))
    source.report = lambda path: path
    view = explorer(source)
    tell(view, do="export", ending="html")
    until(lambda: str(tmp_path / "report.html") in view.page.desk["export"]["said"])
    view._errands.folder.rmdir()
    tell(view, do="export", ending="csv")
    until(lambda: "there is no folder" in view.page.desk["export"]["failed"])


def test_a_page_can_send_anything(explorer):
    view = explorer()
    kinds = (
        "open",
        "close",
        "decide",
        "compare",
        "models",
        "export",
        "facet",
        "sheet",
        "search",
        "read",
        "?",
    )
    keys = ("row", "index", "without", "ending", "value", "name", "text", "verdict", "page", "at")
    for do in kinds:
        for value in NONSENSE:
            tell(view, do=do, **dict.fromkeys(keys, value))
    view.heard({})
    tell(view, do="search", text="message", page="end", at=7)
    until(lambda: view.page.state.get("heard", {}).get("end") == 7)
    until(lambda: not view.page.state["reading"])
    assert view.page.state["failure"] == ""
    assert view.page.state["count"] == 120


def test_a_source_that_cannot_be_read_is_said_and_can_be_read_again(shown):
    class Late:
        fails = True

        @property
        def dataset(self):
            if self.fails:
                raise InvalidValueError("job", 9, "it is not there")
            return Dataset.from_records(findings=some(9))

    source = Late()
    view = shown(Explorer(source))
    until(lambda: "it is not there" in view.page.state["failure"])
    source.fails = False
    view.heard({"do": "read"})
    ready(view)
    assert view.page.state["failure"] == ""


@pytest.mark.parametrize("wrong", [None, 3, "job", []])
def test_what_is_no_source_is_refused_at_once(wrong):
    with pytest.raises(InvalidValueError):
        Explorer(wrong)
    with pytest.raises(InvalidValueError):
        Explorer(Dataset.from_records(), baseline=[wrong])


# ---------------------------------------------------------------------------------------------------- speed

QUERIES = [
    [{"do": "search", "text": "message 42"}],
    [{"do": "facet", "name": "severity", "value": 0, "on": True}],
    [{"do": "facet", "name": "model", "value": 1, "on": True}],
    [{"do": "sort", "name": "message"}],
    [{"do": "clear"}, {"do": "bars", "by": "app"}],
    [{"do": "page", "page": 1500}],
    [{"do": "search", "text": "app 7"}],
]


def slowest_answer(count):
    made = load(Dataset.from_records(findings=some(count, models=9, apps=30), coverage=everywhere(9, 30)))
    query, times = Query(), []
    for messages in QUERIES:
        start = time.perf_counter()
        query = ask(made, query, *messages)
        present_answer(made, query)
        times.append(time.perf_counter() - start)
    print(f"{count:,} findings: answers in {', '.join(f'{1000 * each:.0f}' for each in times)} ms")
    return max(times)


def test_answers_are_fast():
    assert slowest_answer(20_000) < 3


@pytest.mark.slow
def test_100_000_findings_are_filtered_in_half_a_second():
    assert slowest_answer(100_000) < 0.5
