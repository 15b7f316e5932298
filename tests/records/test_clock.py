import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from batchnb.records import clock, utc_now


def test_times_are_aware_and_near_the_wall_clock():
    before, now, after = datetime.now(UTC), utc_now(), datetime.now(UTC)

    assert now.utcoffset() == timedelta(0)
    assert before - timedelta(seconds=5) <= now <= after + timedelta(seconds=5)


def test_no_two_threads_ever_get_the_same_time_and_each_sees_it_grow():
    start = threading.Barrier(8)
    seen = [[] for _ in range(8)]

    def read(times):
        start.wait(10)
        times.extend(utc_now() for _ in range(3_000))

    threads = [threading.Thread(target=read, args=(times,)) for times in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    together = [time for times in seen for time in times]
    assert len(set(together)) == len(together) == 24_000
    assert all(earlier < later for times in seen for earlier, later in pairwise(times))


def test_a_clock_that_is_set_back_makes_no_time_repeat(monkeypatch):
    class Backwards(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2001, 1, 1, tzinfo=tz)

    first = utc_now()
    monkeypatch.setattr(clock, "datetime", Backwards)

    assert first < utc_now() < utc_now()


def test_a_time_without_a_zone_is_refused_by_name():
    clock.require_aware("started_at", None)
    clock.require_aware("started_at", datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(
        ValueError, match=r"started_at datetime.datetime\(2026, 1, 1, 0, 0\) has no time zone"
    ):
        clock.require_aware("started_at", datetime(2026, 1, 1))  # noqa: DTZ001 - the fault under test
