from __future__ import annotations

from chart_cases import batch_dataset, dataset
from factories import coverage, finding

from batchnb.results.drawing.agreement import agreement_info
from batchnb.results.drawing.grid import grid_text
from batchnb.results.drawing.grid_figure import grid_figure
from batchnb.results.identity.agreement import agreement

BOTH = [coverage(), coverage(tool="ruff")]


def shares(info):
    return {
        (row.label, column): cell and cell.mark
        for row in info.rows
        for column, cell in zip(info.columns, row.cells, strict=True)
    }


def test_two_tools_that_see_the_same_agree_and_the_matrix_is_symmetric():
    same = {"line": 7, "cwe": 89}
    data = dataset([finding(**same), finding(number=3, **same), finding(number=1, line=90)], BOTH)
    found = shares(agreement_info(data))
    assert found["bandit", "ruff"] == found["ruff", "bandit"] == "50%"
    assert found["bandit", "bandit"] is None


def test_hover_names_each_side_by_its_own_name():
    findings = [finding(line=90), finding(line=50), finding(number=4, line=10)]
    info = agreement_info(dataset(findings, BOTH))
    for row in info.rows:
        (cell,) = (each for each in row.cells if each is not None)
        assert "only bandit: 2" in cell.hover
        assert "only ruff: 1" in cell.hover


def test_shares_are_those_of_the_frame():
    data = batch_dataset()
    found = shares(agreement_info(data))
    for row in agreement(data).itertuples():
        assert found[row.tool_a, row.tool_b] == f"{row.share:.0%}"


def test_two_tools_with_nothing_in_common_are_hatched_and_not_at_zero():
    other = {"tool": "oxlint", "analysis_type": "frontend_security"}
    findings = [finding(path="a.py"), finding(path="a.jsx", **other)]
    data = dataset(findings, [coverage(), coverage(**other)])
    info = agreement_info(data)
    assert {cell.mark for cell in info.cells} == {""}
    (trace,) = grid_figure(info).data
    assert trace.marker.pattern.shape == "/"
    assert "%" not in grid_text(info)


def test_one_tool_or_none_says_so():
    for data in (dataset(), dataset(cells=[coverage()])):
        info = agreement_info(data)
        assert grid_figure(info).layout.annotations[0].text == "There are no two tools with findings."
        assert "There are no two tools with findings." in grid_text(info)


def test_many_tools_are_capped_by_their_findings():
    tools = [f"t{n:02}" for n in range(30)]
    findings = [finding(tool=tool, line=n) for n, tool in enumerate(tools, start=1)]
    data = dataset([*findings, finding(tool="t29", line=90)], [coverage(tool=tool) for tool in tools])
    info = agreement_info(data)
    assert len(info.columns) == 25
    assert info.columns[0] == "t29"
    assert "And 5 more tools." in info.notes


def test_a_tool_that_found_nothing_is_named():
    data = dataset([finding(), finding(number=3)], [*BOTH, coverage(tool="locust")])
    info = agreement_info(data)
    assert "locust" not in info.columns
    assert info.notes == ("Without a finding, so there is nothing to agree about: locust.",)
