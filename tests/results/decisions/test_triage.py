"""Decisions applied to later runs: what they hold for, and what they must not hide."""

import time
from dataclasses import replace

import pandas as pd
import pytest
from factories import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from triage_cases import DAY, NOW, SHELL, SQL, SQL_TOOLS, App, dataset, decide, numbered

from batchnb.records import CoverageStatus, Verdict
from batchnb.records.errors import InvalidValueError, ReportError
from batchnb.results.decisions.decision_states import TRIAGE_DECISIONS, decision_records, decision_states
from batchnb.results.decisions.triage import (
    apply_decisions,
    is_open,
    open_consensus,
    open_findings,
    triage_text,
    verdict_counts,
)
from batchnb.results.frames import decisions_frame

LATER = NOW + DAY


def applied(now, decisions, when=LATER):
    """Return (verdict per finding, state per decision, note per decision)."""
    triage = apply_decisions(now, decisions, now=when)
    return (
        words(triage.findings["verdict"]),
        triage.decisions["state"].tolist(),
        triage.decisions["note"].tolist(),
    )


def words(column):
    return [None if pd.isna(value) else value for value in column]


def held(now, decisions, when=LATER):
    return applied(now, decisions, when)[0]


FP = "false_positive"
ONE = decide(dataset(App().sql(5, "bandit", "ruff")))


class TestTheSameFaultLater:
    @pytest.mark.parametrize(
        "later",
        [
            App().sql(5, "bandit", "ruff"),
            App(job_id=9).sql(80, "bandit", "ruff"),
            App().sql(
                5, "bandit", "ruff", snippet="  cursor.execute( f'SELECT * FROM users WHERE id = {user_id}')"
            ),
            App().sql(5, "bandit", "ruff", snippet=SQL.replace("'", '"') + ";"),
            App().sql(7, "bandit", "ruff", path="backend/db/queries.py"),
        ],
        ids=["as it was", "shifted", "white space", "quotes", "moved"],
    )
    def test_it_holds(self, later):
        assert applied(dataset(later), ONE)[:2] == ([FP, FP], ["active"])

    def test_a_place_that_is_new_is_noted(self):
        later = dataset(App().sql(7, "bandit", "ruff", path="backend/db.py"))
        assert applied(later, ONE)[2] == ["now in backend/db.py"]

    def test_one_tool_less_changes_nothing(self):
        later = App().sql(5, "ruff").covered(bandit=CoverageStatus.TOOL_MISSING)
        assert applied(dataset(later), ONE) == ([FP], ["active"], [""])

    def test_one_tool_more_changes_nothing_and_is_noted(self):
        later = dataset(App().sql(5, "bandit", "ruff", "skylos"))
        assert applied(later, ONE) == ([FP] * 3, ["active"], ["new evidence: skylos SKY-D211"])

    def test_every_job_of_the_dataset_is_looked_at(self):
        both = dataset(App().sql(5, "bandit", "ruff"), App(job_id=2).sql(9, "bandit"))
        triage = apply_decisions(both, ONE, now=LATER)
        assert words(triage.findings["verdict"]) == [FP] * 3
        assert triage.decisions[["faults", "findings"]].iloc[0].tolist() == [2, 3]

    def test_what_a_running_app_answers_may_differ(self):
        def seen(evidence):
            return dataset(
                App().add("zap", "40018", 3, evidence, identity="GET /users/{id}", path="backend/app.py")
            )

        decisions = decide(seen("error near 'a81f'"))
        assert decisions[0].members[0].code == ""
        assert held(seen("error near '77c0'"), decisions) == [FP]

    def test_a_masked_secret_is_known_by_its_own(self):
        def found(secret):
            return dataset(
                App().add("bandit", "B105", 3, "(not shown)", identity=f"key = '{secret}'", cwe=259)
            )

        decisions = decide(found("changeme"))
        assert held(found("changeme"), decisions) == [FP]
        assert held(found("sk-live-1"), decisions) == [None]


class TestOtherFaults:
    @pytest.mark.parametrize(
        "later",
        [
            App(app_num=2).sql(5, "bandit", "ruff"),
            App(model="birch").sql(5, "bandit", "ruff"),
            App().sql(5, "skylos").covered(bandit=CoverageStatus.OK, ruff=CoverageStatus.OK),
            App().sql(5, "bandit", "ruff", snippet=SQL.replace("user_id", "name")),
            App().sql(5, "bandit", "ruff", snippet=SQL.replace("WHERE id", "WHERE name")),
            App().sql(5, "bandit", "ruff", snippet=SQL.replace("'", "")),
            App().add("bandit", "B609", 5).add("ruff", "S609", 5),
        ],
        ids=[
            "another app",
            "another model",
            "another tool",
            "a name",
            "a text",
            "quotes gone",
            "another rule",
        ],
    )
    def test_they_stay_undecided(self, later):
        assert set(held(dataset(later), ONE)) == {None}

    def test_code_that_changed_under_the_same_fingerprint_is_another_fault(self):
        before, after = (
            App().add("bandit", "B307", 3, "eval(a, b)"),
            App().add("bandit", "B307", 3, "eval(ab)"),
        )
        assert before.findings[0].fingerprint == after.findings[0].fingerprint, "it forgets commas"
        assert held(dataset(after), decide(dataset(before))) == [None]

    def test_a_second_one_like_it_above_is_not_hidden(self):
        """It would get the fingerprint of the first."""
        later = dataset(App().sql(3, "bandit", "ruff").sql(30, "bandit", "ruff"))
        verdicts, states, notes = applied(later, ONE)
        assert verdicts == [None] * 4
        assert states == ["ambiguous"]
        assert "1 times then and 2 times now" in notes[0]

    def test_of_equal_lines_the_one_is_meant_that_was(self):
        three = dataset(App().sql(3, "bandit").sql(30, "bandit").sql(60, "bandit"))
        second = decide(three, three.findings.iloc[1])
        later = dataset(App().sql(5, "bandit").sql(32, "bandit").sql(62, "bandit"))
        assert held(later, second) == [None, FP, None]
        assert held(dataset(App().sql(5, "bandit").sql(32, "bandit")), second) == [None, None]

    def test_the_same_code_elsewhere_that_was_there_before_did_not_move_there(self):
        both = dataset(App().sql(3, "bandit").sql(3, "bandit", path="backend/db.py"))
        first = decide(both, both.findings.iloc[0])
        verdicts, states, notes = applied(dataset(App().sql(3, "bandit", path="backend/db.py")), first)
        assert (verdicts, states) == ([None], ["ambiguous"])
        assert "cannot be told whether it moved there" in notes[0]

    @pytest.mark.parametrize("status", [CoverageStatus.PARTIAL, CoverageStatus.TIMED_OUT, None])
    def test_it_moved_only_if_everything_was_read_then_and_now(self, status):
        def here(path, **tools):
            return dataset(App().sql(3, "bandit", path=path).covered(**tools))

        partly = {"bandit": status} if status else {}
        unread = here("backend/app.py", **partly)
        if status is None:
            unread = replace(unread, coverage=unread.coverage.iloc[:0])
        whole = here("backend/app.py")
        assert held(here("backend/db.py"), decide(whole)) == [FP]
        assert held(here("backend/db.py"), decide(unread)) == [None]
        moved_partly = here("backend/db.py", **partly)
        if status is None:
            moved_partly = replace(moved_partly, coverage=moved_partly.coverage.iloc[:0])
        assert applied(moved_partly, decide(whole))[:2] == ([None], ["ambiguous"])

    def test_without_any_source_the_line_must_be_the_same(self):
        def at(line):
            return dataset(App().add("bandit", "B608", line, ""))

        assert held(at(5), decide(at(5))) == [FP]
        assert held(at(6), decide(at(5))) == [None]
        assert held(at(None), decide(at(None))) == [FP]


class TestStates:
    def test_an_expired_one_is_listed_and_not_applied(self):
        decisions = [replace(ONE[0], expires_at=NOW + 3 * DAY)]
        now = dataset(App().sql(5, "bandit", "ruff"))
        assert applied(now, decisions, NOW + 3 * DAY - DAY / 2)[:2] == ([FP, FP], ["active"])
        triage = apply_decisions(now, decisions, now=NOW + 3 * DAY)
        assert words(triage.findings["verdict"]) == [None, None]
        assert triage.decisions["state"].tolist() == ["expired"]
        assert triage.decisions["faults"].isna().all()
        assert "expired since 2026-05-07" in triage.text

    def test_a_withdrawn_one_is_listed_and_not_applied(self):
        gone = replace(ONE[0], withdrawn_at=LATER, withdrawn_by="bob", withdrawn_because="it is reached")
        now = dataset(App().sql(5, "bandit", "ruff"))
        assert applied(now, [gone]) == ([None, None], ["withdrawn"], ["by bob: it is reached"])

    def test_one_whose_fault_is_gone_is_unused(self):
        now = App().add("bandit", "B602", 9, SHELL, cwe=78).covered(ruff=CoverageStatus.OK)
        assert applied(dataset(now), ONE)[:2] == ([None], ["unused"])
        gone = App().covered(bandit=CoverageStatus.NOT_APPLICABLE, ruff=CoverageStatus.OK)
        assert applied(dataset(gone), ONE)[1] == ["unused"]

    @pytest.mark.parametrize(
        "now",
        [
            App().covered(bandit=CoverageStatus.OK, ruff=CoverageStatus.TIMED_OUT),
            App().covered(bandit=CoverageStatus.OK, ruff=CoverageStatus.PARTIAL),
            App().covered(bandit=CoverageStatus.OK),
            App(app_num=2).covered(bandit=CoverageStatus.OK, ruff=CoverageStatus.OK),
            App(),
        ],
    )
    def test_what_was_not_measured_is_not_called_unused(self, now):
        assert applied(dataset(now), ONE)[1] == ["not measured"]

    def test_the_newest_counts(self):
        now = dataset(App().sql(5, "bandit", "ruff"))
        newer = replace(ONE[0], id=2, verdict=Verdict.CONFIRMED)
        for order in ([ONE[0], newer], [newer, ONE[0]]):
            assert applied(now, order) == (
                ["confirmed"] * 2,
                ["superseded", "active"],
                ["by decision 2", ""],
            )

    def test_an_older_one_does_not_come_back_when_the_newer_expires(self):
        now = dataset(App().sql(5, "bandit", "ruff"))
        newer = replace(ONE[0], id=2, verdict=Verdict.CONFIRMED, expires_at=NOW + DAY / 2)
        assert applied(now, [ONE[0], newer])[:2] == ([None, None], ["superseded", "expired"])

    def test_an_older_one_comes_back_when_the_newer_is_withdrawn(self):
        now = dataset(App().sql(5, "bandit", "ruff"))
        newer = replace(
            ONE[0],
            id=2,
            verdict=Verdict.CONFIRMED,
            withdrawn_at=LATER,
            withdrawn_by="b",
            withdrawn_because="c",
        )
        assert applied(now, [ONE[0], newer])[:2] == ([FP, FP], ["active", "withdrawn"])

    def test_a_newer_one_made_after_a_move_replaces_the_older_too(self):
        moved = dataset(App().sql(7, "bandit", "ruff", path="backend/db.py"))
        (newer,) = decide(moved, verdict="accepted")
        verdicts, states, notes = applied(moved, [ONE[0], replace(newer, id=2)])
        assert (verdicts, states) == (["accepted"] * 2, ["superseded", "active"])
        assert notes[0] == "by decision 2"

    def test_nor_when_it_was_made_after_a_move(self):
        moved = dataset(App().sql(7, "bandit", "ruff", path="backend/db.py"))
        (newer,) = decide(moved, verdict="confirmed", expires=NOW + DAY / 2)
        verdicts, states, _ = applied(moved, [ONE[0], replace(newer, id=2)])
        assert (verdicts, states) == ([None, None], ["superseded", "expired"])

    def test_of_two_faults_that_are_one_now_the_verdict_that_hides_least_counts(self):
        bandit, ruff = dataset(App().sql(5, "bandit")), dataset(App().sql(5, "ruff"))
        decisions = numbered(*decide(bandit, verdict="confirmed"), *decide(ruff))
        now = dataset(App().sql(5, "bandit", "ruff"))
        verdicts, states, notes = applied(now, decisions)
        assert (verdicts, states) == (["confirmed"] * 2, ["active", "active"])
        assert notes[1] == "decision 1 (confirmed) holds for what is one with it now"

    def test_without_a_dataset_states_are_told_as_far_as_can_be(self):
        decisions = [
            ONE[0],
            replace(ONE[0], id=2, app_num=2, expires_at=NOW + DAY / 2),
            replace(ONE[0], id=3),
        ]
        frame = decision_states(reversed(decisions), now=LATER)
        assert frame["decision_id"].tolist() == [1, 2, 3]
        assert frame["state"].tolist() == ["superseded", "expired", "active"]
        assert frame["faults"].isna().all()


class TestFrames:
    NOW = dataset(
        App().sql(5, "bandit", "ruff").add("bandit", "B602", 40, SHELL, cwe=78),
        App(app_num=2).sql(5, "bandit"),
    )

    def triage(self):
        rows = self.NOW.findings
        first = decide(self.NOW, rows[rows["app_num"] == 1])
        assert [each.message for each in first] == ["bandit says so"] * 2
        decisions = numbered(first[0], replace(first[1], verdict=Verdict.CONFIRMED))
        return apply_decisions(self.NOW, decisions, now=LATER)

    def test_findings_and_consensus_say_the_same(self):
        triage = self.triage()
        assert triage.findings["verdict"].dtype == triage.consensus["verdict"].dtype
        assert triage.consensus["verdict"].cat.categories.tolist() == [str(each) for each in Verdict]
        assert triage.consensus["verdict"].cat.ordered
        merged = triage.findings.merge(triage.consensus, on="consensus_id", suffixes=("", "_fault"))
        assert len(merged) == 4
        assert words(merged["verdict"]) == words(merged["verdict_fault"])
        assert merged["decision_id"].equals(merged["decision_id_fault"])
        assert sorted(map(str, words(triage.consensus["verdict"]))) == ["None", "confirmed", FP]
        pd.testing.assert_frame_equal(triage.findings[self.NOW.findings.columns], self.NOW.findings)

    def test_what_is_open_is_neither_false_nor_accepted(self):
        triage = self.triage()
        assert open_findings(triage)["rule"].tolist() == ["B602", "B608"]
        assert words(open_consensus(triage)["verdict"]) == ["confirmed", None]
        assert is_open(triage.findings).sum() == 2
        accepted = apply_decisions(self.NOW, decide(self.NOW, verdict="accepted"), now=LATER)
        assert open_findings(accepted).empty

    def test_counts_and_text(self):
        triage = self.triage()
        counts = verdict_counts(triage)
        assert counts["verdict"].tolist() == [FP, "accepted", "confirmed", "undecided"]
        assert counts["consensus"].tolist() == [1, 0, 1, 1]
        assert counts["findings"].tolist() == [2, 0, 1, 1]
        assert triage.text == (
            "Consensus findings: 1 false positive, 0 accepted, 1 confirmed, 1 undecided. "
            "Open (undecided or confirmed): 2.\n2 decisions: 2 active."
        )

    def test_nothing_has_the_same_columns(self):
        full, empty = self.triage(), apply_decisions(dataset(), [])
        for name in ("findings", "consensus", "decisions", "counts"):
            assert [*getattr(empty, name).columns] == [*getattr(full, name).columns]
        assert empty.findings["decision_id"].dtype == full.findings["decision_id"].dtype
        assert [*empty.decisions.columns] == [column.name for column in TRIAGE_DECISIONS]
        assert triage_text(empty).endswith("No decision was made.")

    def test_decisions_of_the_dataset_are_taken_and_come_back_from_its_frame(self):
        decisions = decide(self.NOW)
        whole = replace(self.NOW, decisions=decisions_frame(decisions))
        assert list(decision_records(whole.decisions)) == decisions
        assert words(apply_decisions(whole, now=LATER).findings["verdict"]) == [FP] * 4
        ended = [replace(each, expires_at=LATER + DAY, withdrawn_at=LATER) for each in decisions]
        assert [each.expires_at for each in decision_records(decisions_frame(ended))] == [LATER + DAY] * 3

    @pytest.mark.parametrize(
        "members", ["", "{}", "[1]", "[{}]", '[{"tool": "x", "more": 1}]', "[" * 100_000, "null"]
    )
    def test_a_frame_that_nobody_of_us_made_is_refused(self, members):
        frame = decisions_frame(ONE).assign(members=members)
        with pytest.raises(ReportError, match="decision 1 cannot be read"):
            decision_records(frame)

    def test_many_that_do_not_hold_are_counted_in_the_text(self):
        many = [replace(ONE[0], id=number, app_num=number) for number in range(1, 51)]
        text = apply_decisions(dataset(App()), many, now=LATER).text
        assert text.count("\n") == 22
        assert text.endswith("... and 30 more that do not hold.")

    def test_something_else_is_refused(self):
        with pytest.raises(InvalidValueError, match="a Job or a Dataset"):
            apply_decisions([1], [])

    def test_hostile_texts_are_data(self):
        for text in HOSTILE:
            app = App(model=f"m{text}").add(f"t{text}", f"r{text}", 3, text, path=f"p{text}", message=text)
            now = dataset(app)
            decisions = decide(now, reason=text, author=text)
            triage = apply_decisions(now, decisions, now=LATER)
            assert words(triage.findings["verdict"]) == [FP]
            late = apply_decisions(now, [replace(decisions[0], expires_at=LATER)], now=LATER)
            assert all(char.isprintable() or char == "\n" for char in late.text)
            assert late.text.count("\n") == 2


@pytest.mark.slow
def test_a_hundred_thousand_findings_and_a_thousand_decisions(figures):
    apps = [App(f"m{model}", number) for model in range(9) for number in range(1, 31)]
    for app in apps:
        for place in range(185):
            code = SQL.replace("users", f"t{place}").replace("user_id", f"id{place % 40}")
            app.sql(10 * place + 1, "bandit", "ruff", snippet=code, path=f"backend/f{place % 12}.py")
    now = dataset(*apps)
    decisions = decide(now, now.findings.sample(1_000, random_state=1))
    start = time.process_time()
    triage = apply_decisions(now, decisions, now=LATER)
    seconds = time.process_time() - start
    figures("findings", len(now.findings))
    figures("decisions", len(decisions))
    figures("applied in (CPU time)", seconds, "s")
    assert triage.findings["verdict"].notna().sum() == 2 * len(decisions)
    assert seconds < 30


SNIPPETS = st.sampled_from([SQL, SQL.replace("user_id", "name"), SHELL, "eval(x)", "eval('x')", ""])
FOUND = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from([1, 2]),
    st.sampled_from([*SQL_TOOLS]),
    st.sampled_from(["backend/app.py", "backend/db.py"]),
    st.integers(1, 4),
    SNIPPETS,
)


def made(found):
    apps = {}
    for model, number, tool, path, line, snippet in found:
        app = apps.setdefault((model, number), App(model, number))
        app.add(tool, SQL_TOOLS[tool], line * 20, snippet, path=path)
    return dataset(*apps.values())


@settings(max_examples=60, deadline=None)
@given(
    before=st.lists(FOUND, min_size=1, max_size=8, unique=True),
    after=st.lists(FOUND, max_size=8, unique=True),
)
def test_a_decision_never_hides_what_was_not_decided_about(before, after):
    then, now = made(sorted(before)), made(sorted(after))
    decisions = decide(then, then.findings.iloc[[0]])
    (decision,) = decisions
    triage = apply_decisions(now, decisions, now=LATER)

    assert words(apply_decisions(then, decisions, now=LATER).findings["verdict"])[0] == FP, (
        "where it was made"
    )
    again = apply_decisions(now, decisions, now=LATER)
    for name in ("findings", "consensus", "decisions"):
        pd.testing.assert_frame_equal(getattr(triage, name), getattr(again, name))
    decided = triage.findings[triage.findings["verdict"].notna()]
    assert set(zip(decided["model"], decided["app_num"], strict=True)) <= {(decision.model, decision.app_num)}
    codes = {row[5] for row in before if row[:2] == (decision.model, decision.app_num)}
    for _, fault in decided.groupby("consensus_id"):
        known = fault[fault["tool"].isin({member.tool for member in decision.members})]
        assert set(known["snippet"]) & codes, "at least one finding of it has code that was decided about"
    assert (triage.decisions["state"] == "active").iloc[0] == bool(len(decided))


@settings(max_examples=40, deadline=None)
@given(before=st.lists(FOUND, min_size=1, max_size=8, unique=True), shift=st.integers(0, 50))
def test_all_decisions_survive_that_lines_are_inserted(before, shift):
    then = made(sorted(before))
    findings = then.findings[then.findings["snippet"] != ""]
    if findings.empty:
        return
    decisions = decide(then, findings)
    moved = replace(then, findings=then.findings.assign(line=then.findings["line"] + shift))
    later = apply_decisions(moved, decisions, now=LATER)
    assert later.findings.loc[findings.index, "verdict"].eq(FP).all()
    assert set(later.decisions["state"]) == {"active"}
