"""Matching the findings of two runs of one app."""

import time

import pytest

from batchnb.results.identity.assignment import MAX_BLOCK, cheapest
from batchnb.results.identity.matching import How, Sighting, likeness, match


def seen(line=10, text="query = 'SELECT ' + name", path="app.py", identity=None, rule="B608", **more):
    return Sighting("bandit", rule, path, line, text, identity or f"{rule} {path} {text}", **more)


def paired(before, after):
    return [(pair.before, pair.after, pair.how) for pair in match(before, after)]


def test_the_same_fingerprint_is_the_same_finding_wherever_it_lies():
    assert paired([seen(10), seen(20, "eval(x)")], [seen(25, "eval(x)"), seen(400)]) == [
        (0, 1, How.SAME),
        (1, 0, How.SAME),
    ]


def test_an_edited_line_is_found_near_its_place():
    assert paired([seen(10)], [seen(12, "query = 'SELECT id ' + title")]) == [(0, 0, How.EDITED)]


def test_an_edited_line_is_found_where_its_neighbours_have_gone():
    before = [seen(10, "eval(a)", rule="B307"), seen(12, "sql = 'SELECT a ' + x + y")]
    after = [seen(310, "eval(a)", rule="B307"), seen(312, "sql = 'SELECT b ' + x + y")]
    assert paired(before, after) == [(0, 0, How.SAME), (1, 1, How.EDITED)]


def test_another_line_far_away_is_another_finding():
    assert paired([seen(10)], [seen(90, "rows = 'DELETE FROM t' + q")]) == []


def test_a_piece_of_a_broken_line_is_that_line():
    whole = [seen(20, "app.run(host='0.0.0.0', port=80)", rule="B104")]
    assert paired(whole, [seen(95, '    host="0.0.0.0",', rule="B104")]) == [(0, 0, How.EDITED)]
    assert paired(whole, [seen(95, "    host=ANY,", rule="B104")]) == []


def test_another_rule_is_another_finding():
    assert paired([seen(10)], [seen(10, rule="B307")]) == []


def test_of_equal_lines_the_one_that_went_is_told_by_its_place():
    def lines(*places):
        return [seen(place, "except: pass", identity=f"#{n}") for n, place in enumerate(places)]

    anchor, moved = [seen(5, "eval(a)", rule="B307")], [seen(2, "eval(a)", rule="B307")]
    assert paired(anchor + lines(10, 20, 30), moved + lines(17, 27))[1:] == [
        (2, 1, How.SAME),
        (3, 2, How.SAME),
    ]
    assert paired(anchor + lines(10, 20), moved + lines(3, 7, 17))[1:] == [(1, 2, How.SAME), (2, 3, How.SAME)]


def test_a_renamed_file_takes_its_findings_with_it():
    before = [
        seen(10),
        seen(30, "except: pass", rule="B110"),
        seen(50, "result = subprocess.run(cmd)", rule="B602"),
    ]
    after = [each._replace(path="server/main.py", fingerprint="x" + each.fingerprint) for each in before]
    assert [how for _, _, how in paired(before, after)] == [How.MOVED] * 3


def test_poor_source_does_not_move_to_a_file_that_nothing_else_moved_to():
    assert paired([seen(30, "pass", rule="B110")], [seen(30, "pass", path="b.py", rule="B110")]) == []


def test_a_pinned_finding_moves_nowhere():
    moved = seen(10, path="b.py")
    assert len(paired([seen(10)], [moved])) == 1
    assert paired([seen(10, pinned=True)], [moved]) == []
    assert paired([seen(10)], [moved._replace(pinned=True)]) == []


def test_the_pairs_of_least_total_cost_are_chosen():
    assert cheapest({(0, 0): 0.2, (0, 1): 0.3, (1, 0): 0.25, (1, 1): 0.9}) == [(0, 1), (1, 0)]
    assert cheapest({(0, 0): 0.1, (0, 1): 0.8, (1, 0): 0.8}) == [(0, 0)]
    assert cheapest({}) == []


def test_a_block_too_large_is_paired_all_the_same():
    size = MAX_BLOCK + 1
    costs = {(a, b): 0.0 if a == b else 0.5 for a in range(size) for b in (a - 1, a, a + 1) if 0 <= b < size}
    assert cheapest(costs) == [(n, n) for n in range(size)]


def test_likeness():
    assert likeness("a b c", "a b c") == 1
    assert likeness("a b", "c d") == 0
    assert likeness("", "") == 1
    assert likeness("{", "(") == 0


@pytest.mark.parametrize("line", [lambda n: 3 * n, lambda n: 1], ids=["lines", "one line"])
@pytest.mark.parametrize(
    "text", [lambda n: f"x{n} = run(a{n % 7}, {n})", lambda n: "run()"], ids=["own", "equal"]
)
def test_ten_thousand_findings_in_one_file_are_bounded(line, text):
    before = [seen(line(n), text(n), identity=f"b{n}") for n in range(10_000)]
    after = [seen(line(n), text(n) + " or y", identity=f"a{n}") for n in range(10_001)]
    start = time.perf_counter()
    pairs = match(before, after)
    assert time.perf_counter() - start < 60
    assert len({pair.before for pair in pairs}) == len({pair.after for pair in pairs}) == len(pairs) > 9_000
