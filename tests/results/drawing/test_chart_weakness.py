from __future__ import annotations

from chart_cases import batch_dataset, dataset
from factories import coverage, finding

from batchnb.records import CoverageStatus
from batchnb.results.drawing.bars import bars_figure, bars_text
from batchnb.results.drawing.weakness import cwe_info, owasp_info, top_rules_info
from batchnb.results.severity import CellState

BAD = CoverageStatus.FAILED


def test_weaknesses_are_ranked_and_those_without_a_number_are_told():
    data = dataset([finding(number=0), finding(number=0, app_num=2), finding(number=4)], [coverage()])
    info = cwe_info(data)
    assert [(row.label, row.total) for row in info.rows] == [
        ("CWE-89 SQL Injection", 2),
        ("No CWE given by the tool", 1),
    ]
    assert "in 2 apps of 1 model" in info.rows[0].hover
    assert "66.7 % of all findings" in info.rows[0].hover


def test_an_unknown_weakness_keeps_its_number():
    info = cwe_info(dataset([finding(cwe=999_999)], [coverage()]))
    assert info.rows[0].label == "CWE-999999"


def test_all_ten_categories_are_named_and_add_up():
    data = batch_dataset()
    info = owasp_info(data)
    assert [row.label[:3] for row in info.rows[:10]] == [f"A{n:02}" for n in range(1, 11)]
    assert sum(row.total for row in info.rows) == len(data.findings)
    assert any("not that there is none" in note for note in info.notes)


def test_without_measurement_a_category_is_hatched_and_not_zero():
    info = owasp_info(dataset(cells=[coverage(status=BAD)]))
    assert len(info.rows) == 10
    assert all(row.state is CellState.NOT_MEASURED for row in info.rows)
    figure = {trace.name: trace for trace in bars_figure(info).data}
    assert figure["total"].x == (None,) * 10
    assert figure["not measured"].x == (1,) * 10
    assert not bars_figure(info).layout.xaxis2.showticklabels


def test_nothing_found_is_a_zero_only_where_all_was_measured():
    for status, label in ((CoverageStatus.OK, "0"), (CoverageStatus.PARTIAL, "≥0")):
        for make in (cwe_info, top_rules_info):
            figure = {
                trace.name: trace
                for trace in bars_figure(make(dataset(cells=[coverage(status=status)]))).data
            }
            assert figure["total"].text == (f" <b>{label}</b>",)


def test_rules_of_two_tools_with_one_name_are_two_rows():
    data = dataset([finding(), finding(tool="ruff", rule="B608")], [coverage()])
    assert {row.label for row in top_rules_info(data).rows} == {"B608 (bandit)", "B608 (ruff)"}


def test_rules_are_capped_and_the_rest_is_told():
    data = dataset([finding(rule=f"R{n}") for n in range(40)], [coverage()])
    info = top_rules_info(data)
    assert len(info.rows) == 25
    assert "15 more with 15 findings are not shown." in info.notes


def test_words():
    assert bars_text(cwe_info(dataset())) == "Findings by weakness (CWE). No app was analysed."
    text = bars_text(cwe_info(dataset([finding()], [coverage(status=CoverageStatus.PARTIAL)])))
    assert "at least 0 high, 1 medium, 0 low" in text
    assert "lower bound" in text
