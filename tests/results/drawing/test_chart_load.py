from __future__ import annotations

import math

import pytest
from chart_cases import LOAD, dataset, number, percentiles
from factories import coverage, task

from batchnb.records import CoverageStatus, TaskStatus
from batchnb.records.errors import UnknownNameError
from batchnb.results.drawing.latency import latency_info, latency_text
from batchnb.results.drawing.latency_figure import latency_figure
from batchnb.results.drawing.throughput import throughput_figure, throughput_info, throughput_text

FAILED = coverage("claude", 4, "locust", CoverageStatus.FAILED, analysis_type=LOAD)


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_endpoints_are_ranked_by_their_95th_percentile():
    info = latency_info(dataset(numbers=[*percentiles(10, "GET /a"), *percentiles(30, "GET /b")]))
    assert [row.endpoint for row in info.rows] == ["GET /b", "GET /a"]
    p95 = info.rows[0].percentiles[2]
    assert (p95.name, p95.value, p95.low, p95.high, p95.samples) == ("p95", 90, 81, 108, 100)


def test_per_app_the_requests_of_all_endpoints_together():
    numbers = [*percentiles(10, ""), *percentiles(30, "GET /b"), *percentiles(20, "", app_num=2)]
    info = latency_info(dataset(numbers=numbers), by="app")
    assert [(row.app_num, row.endpoint) for row in info.rows] == [(2, ""), (1, "")]
    with pytest.raises(UnknownNameError, match="model"):
        latency_info(dataset(), by="model")


def test_a_percentile_that_could_not_be_told_is_missing_and_not_zero():
    numbers = [each for each in percentiles(10) if each.metric != "p99"] + [number("p99", None, "GET /")]
    info = latency_info(dataset(numbers=numbers))
    assert [each.name for each in info.rows[0].percentiles] == ["p50", "p90", "p95"]
    figure = latency_figure(info)
    assert "p99" not in traces(figure)
    assert "p99: could not be told" in traces(figure)["hover"].hovertext[0]


def test_what_has_no_latency_is_hatched_with_its_reason():
    info = latency_info(
        dataset(numbers=[*percentiles(None, "GET /broken"), *percentiles(10)], cells=[FAILED])
    )
    assert (info.untested, info.silent_count) == ((("claude", 4),), 1)
    found = traces(latency_figure(info))
    assert found["not measured"].marker.pattern.shape == "/"
    assert len(found["not measured"].y) == 2
    assert "claude 4" in found["hover"].hovertext[0]
    assert "no request was answered without a failure" in found["hover"].hovertext[1]
    assert len(found["p50"].x) == 1


def test_nothing_but_failures_is_a_figure_without_marks():
    info = latency_info(dataset(numbers=percentiles(None), cells=[FAILED]))
    assert set(traces(latency_figure(info))) == {"not measured", "hover"}
    assert "Not measured: claude 4." in latency_text(info)
    assert "could be told" not in latency_text(info)


def test_a_load_test_that_was_planned_and_never_ran_is_told():
    waiting = task(3, "claude", 2, TaskStatus.PENDING, analysis_type=LOAD)
    assert latency_info(dataset(tasks=[waiting])).untested == (("claude", 2),)


def test_two_hundred_endpoints_are_capped():
    numbers = [each for n in range(200) for each in percentiles(n + 1, f"GET /{n}")]
    info = latency_info(dataset(numbers=numbers))
    assert [row.endpoint for row in info.rows] == [f"GET /{n}" for n in range(199, 174, -1)]
    assert "And 175 more endpoints, none of them slower." in info.notes
    assert len(traces(latency_figure(info))["p50"].x) == 25


def test_intervals_reach_the_figure():
    found = traces(latency_figure(latency_info(dataset(numbers=percentiles(100)))))
    assert found["p50"].error_x.array == pytest.approx([20])
    assert found["p50"].error_x.arrayminus == pytest.approx([10])
    assert len({found[name].marker.symbol for name in ("p50", "p90", "p95", "p99")}) == 4


def test_a_wide_range_has_a_logarithmic_axis_that_holds_everything():
    close = latency_figure(latency_info(dataset(numbers=percentiles(10))))
    assert close.layout.xaxis2.type is None
    wide = latency_figure(latency_info(dataset(numbers=[*percentiles(1, "a"), *percentiles(900, "b")])))
    assert wide.layout.xaxis2.type == "log"
    zero = latency_figure(latency_info(dataset(numbers=[*percentiles(0, "a"), *percentiles(900, "b")])))
    assert zero.layout.xaxis2.type is None  # a logarithm has no room for 0


def test_words_of_a_latency():
    text = latency_text(latency_info(dataset(numbers=percentiles(10))))
    assert "GET / · gpt-4o, app 1: p50 10 ms, p90 20 ms, p95 30 ms, p99 50 ms." in text
    assert latency_text(latency_info(dataset())).endswith("No load test left a latency.")


def points(rates, **changes):
    return [number("throughput", rate, f"t={second}s", **changes) for second, rate in enumerate(rates)]


def test_throughput_is_a_line_with_a_gap_where_nothing_could_be_told():
    info = throughput_info(dataset(numbers=points([4, None, 6])))
    (line,) = throughput_figure(info).data
    assert line.x == (0, 1, 2)
    assert line.y[0] == 4
    assert line.y[1] is None or math.isnan(line.y[1])
    assert line.connectgaps is False
    assert info.lines[0].mean == 5


def test_seconds_stand_in_order_of_time():
    info = throughput_info(dataset(numbers=points(range(12))))
    assert [point.second for point in info.lines[0].points] == list(range(12))


def test_the_warm_up_has_a_ground():
    numbers = [*points([1, 1], detail="warm-up"), number("throughput", 9, "t=2s")]
    info = throughput_info(dataset(numbers=numbers))
    assert info.warm_up == 2
    (ground,) = throughput_figure(info).layout.shapes
    assert (ground.x0, ground.x1) == (0, 2)
    assert not throughput_figure(throughput_info(dataset(numbers=points([1])))).layout.shapes


def test_the_slowest_apps_are_shown_and_the_rest_is_told():
    numbers = [each for n in range(1, 21) for each in points([n, n], app_num=n)]
    info = throughput_info(dataset(numbers=numbers, cells=[FAILED]))
    assert [line.app_num for line in info.lines] == list(range(1, 9))
    assert "The 8 apps that answered the least, of 20." in info.notes
    assert "Not measured: claude 4." in info.notes
    looks = {(t.line.color, t.line.dash, t.marker.symbol) for t in throughput_figure(info).data}
    assert len(looks) == 8


def test_an_app_that_never_answered_is_at_zero_and_one_that_told_nothing_has_no_mean():
    info = throughput_info(dataset(numbers=[*points([0, 0]), *points([None], app_num=2)]))
    assert [line.mean for line in info.lines] == [0, None]
    assert "could not be told" in throughput_text(info)


def test_words_of_no_throughput():
    assert throughput_text(throughput_info(dataset())).endswith("No load test left a throughput.")
