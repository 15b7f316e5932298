"""The load generator: what Locust runs, in a process of its own. Nothing of batchnb is imported here.

It is copied into an empty folder, beside its plan (`plan.json`), and leaves `result.json` there at the end
and no sooner: one that was killed has no result, rather than half of one. Counted are the requests that
*began* in the measured window, after the warm-up; all of them end, by an answer or at their time limit,
before the generator does. So a slow answer is never lost.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import locust
from locust import FastHttpUser, constant, events, task
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS
from locust.exception import StopUser

if TYPE_CHECKING:
    from locust.env import Environment

HERE = Path(__file__).parent
PLAN: dict[str, Any] = json.loads((HERE / "plan.json").read_text("utf-8"))
RESULT = HERE / "result.json"
LIMIT: float = PLAN["request_timeout"]
LAG_STEP = 0.05
"""Seconds between two looks at the clock that tell how late the generator is."""
DEAD_SECONDS = 2.0
DEAD_REQUESTS = 10
"""So many connections in a row that were refused or broken, for so long: there is nobody any more."""
MAX_BODY = 4 << 20
EXCERPT = 200
MAX_KINDS = 40


def rounded(seconds: float) -> int:
    """Return a duration as microseconds with three significant digits, so that few values are kept."""
    micros = max(0, round(seconds * 1e6))
    step = 10 ** max(0, len(str(micros)) - 3)
    return int((micros + step // 2) // step * step)


class Call:
    """One endpoint, and what became of the requests to it that count."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.method, self.path, self.headers = values["method"], values["path"], values["headers"]
        self.body: str | None = values["body"]
        self.name = f"{self.method} {self.path}"
        self.requests = self.bytes = 0
        self.statuses: Counter[int] = Counter()
        self.latencies: Counter[int] = Counter()
        self.failures: dict[str, dict[str, Any]] = {}

    def note(self, status: int, seconds: float, size: int, failure: tuple[str, str] | None) -> None:
        """Count one request."""
        self.requests += 1
        self.bytes += size
        self.statuses[status] += 1
        if failure is None:
            self.latencies[rounded(seconds)] += 1
            return
        kind, text = failure
        if kind not in self.failures and len(self.failures) >= MAX_KINDS:
            kind, text = "other", "further kinds of failure"
        self.failures.setdefault(kind, {"text": text, "count": 0})["count"] += 1

    def as_json(self) -> dict[str, Any]:
        """Return it for the result file."""
        named = ("name", "requests", "bytes", "statuses", "latencies")
        failures = [{"kind": kind, **values} for kind, values in self.failures.items()]
        return {**{name: getattr(self, name) for name in named}, "failures": failures}


class Record:
    """All that the result file says."""

    def __init__(self) -> None:
        self.calls = [Call(values) for values in PLAN["calls"]]
        self.weights = [values["weight"] for values in PLAN["calls"]]
        self.environment: Environment | None = None
        self.started = self.last_answer = time.monotonic()
        self.begun = self.lost = 0
        self.stopped = ""
        self.stopped_at: float | None = None
        self.timeline: list[list[int]] = []
        self.cpu: list[tuple[float, float, float]] = []
        self.lag: Counter[int] = Counter()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def begin(self) -> float:
        """Return when the next request begins; nobody begins one after the end or beyond the cap."""
        now = self.now
        if self.stopped or now >= PLAN["window_end"]:
            raise StopUser
        if self.begun >= PLAN["max_requests"]:
            self.stop("max_requests")
            raise StopUser
        self.begun += 1
        return now

    def note(self, context: dict[str, Any], size: int) -> None:
        """Count a request that has just ended."""
        began, status, failure = context["began"], context["status"], context["failure"]
        now = self.now
        second = int(now)
        while len(self.timeline) <= second:
            self.timeline.append([0, 0])
        self.timeline[second][failure is not None] += 1
        if PLAN["window_start"] <= began < PLAN["window_end"]:
            self.calls[context["call"]].note(status, now - began, size, failure)
        if status or (failure and failure[0] == "timeout"):
            self.lost, self.last_answer = 0, now
        else:
            self.lost += 1
            if self.lost >= DEAD_REQUESTS and now - self.last_answer >= DEAD_SECONDS:
                self.stop("no_answer")

    def stop(self, why: str) -> None:
        """End the test early."""
        if not self.stopped and self.environment and self.environment.runner:
            self.stopped, self.stopped_at = why, self.now
            gevent.spawn(self.environment.runner.quit)

    def write(self) -> None:
        """Write the result file, whole or not at all."""
        total = self.environment.stats.total.num_requests if self.environment else 0
        values = {
            "format": 1,
            "locust": locust.__version__,
            "started": self.started,
            "seconds": self.now,
            "stopped": self.stopped,
            "stopped_at": self.stopped_at,
            "begun": self.begun,
            "locust_requests": total,
            "calls": [call.as_json() for call in self.calls],
            "timeline": self.timeline,
            "cpu": self.cpu,
            "lag": self.lag,
        }
        unfinished = RESULT.with_suffix(".new")
        unfinished.write_text(json.dumps(values), "utf-8")
        unfinished.replace(RESULT)


RECORD = Record()


def _begin(environment: Environment, **_: object) -> None:
    RECORD.environment = environment
    RECORD.started, RECORD.last_answer = time.monotonic(), 0.0
    gevent.spawn(_watch)
    runner = environment.runner
    if runner is not None:
        gevent.spawn_later(PLAN["window_end"], runner.quit)


def _end(**_: object) -> None:
    RECORD.write()


def _watch() -> None:
    """Note how busy and how late this process is."""
    used, waited, at = time.process_time(), _waited(), time.monotonic()
    while True:
        before = time.monotonic()
        gevent.sleep(LAG_STEP)
        now = time.monotonic()
        if PLAN["window_start"] <= now - RECORD.started < PLAN["window_end"]:
            RECORD.lag[rounded(now - before - LAG_STEP)] += 1
        if now - at >= 1.0 or math.isclose(now - at, 1.0, abs_tol=LAG_STEP / 2):
            spent, idle = time.process_time(), _waited()
            busy, waiting = (round(part / (now - at), 4) for part in (spent - used, idle - waited))
            RECORD.cpu.append((round(now - RECORD.started, 3), busy, waiting))
            used, waited, at = spent, idle, now


def _waited() -> float:
    """Return for how many seconds this process has been ready to run and was not let, as far as is known."""
    try:
        return int(Path("/proc/self/schedstat").read_text("ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _note(context: dict[str, Any], response_length: int, **_: object) -> None:
    RECORD.note(context, response_length)


def _failure(answer: Any) -> tuple[str, str] | None:
    """Return why a request failed: a kind, by which failures are grouped, and a text; None: it did not."""
    error = getattr(answer, "error", None)
    if answer.status_code == 0:
        return _broken(error or ConnectionError("no answer"))
    return None if answer.status_code < 400 else (f"HTTP {answer.status_code}", "")


def _broken(error: BaseException) -> tuple[str, str]:
    error = getattr(error, "original", error)  # the client packs what happened into a "retries exceeded"
    if isinstance(error, (gevent.Timeout, TimeoutError)):
        return "timeout", f"no answer within {LIMIT:g} s"
    return type(error).__name__, str(error)[:EXCERPT]


def _read(answer: Any) -> tuple[int, bytes]:
    """Read a body to its end, as a browser would; one without end counts as too large."""
    size, head = 0, b""
    response = answer._response  # noqa: SLF001 - the raw bytes: nothing is unpacked or decoded
    while response is not None and (chunk := response.read(65536)):
        size += len(chunk)
        head += chunk[: EXCERPT - len(head)]
        if size > MAX_BODY:
            raise OSError(f"the answer is larger than {MAX_BODY >> 20} MiB")
    return size, head


EVENTS: Any = events  # untyped
EVENTS.test_start.add_listener(_begin)
EVENTS.request.add_listener(_note)
EVENTS.quitting.add_listener(_end)


class AppUser(FastHttpUser):
    """One user: asks for one endpoint after the other, by chance and weight, and waits for each answer."""

    network_timeout = connection_timeout = LIMIT
    max_redirects = max_retries = 0
    concurrency = 1
    default_headers = PLAN["headers"]
    wait_time = constant(PLAN["pause"])
    born = 0

    def on_start(self) -> None:
        """Give each user a row of endpoints of its own, the same one in every run."""
        AppUser.born += 1
        self.dice = random.Random(f"{PLAN['seed']}/{AppUser.born}")  # noqa: S311 - nothing secret

        # Every status is an answer, whose text is wanted; the client would throw that of an error away.
        agent: Any = self.client.client
        agent.valid_response_codes = frozenset(range(100, 1000))

    @task
    def ask(self) -> None:
        """Send one request and take its whole answer."""
        number = self.dice.choices(range(len(RECORD.calls)), RECORD.weights)[0]
        call = RECORD.calls[number]
        began = RECORD.begin()
        context: dict[str, Any] = {"call": number, "began": began, "status": 0, "failure": None}
        limit = gevent.Timeout.start_new(LIMIT)  # of the whole: the client's own is for one read
        try:
            with self.client.request(
                call.method,
                call.path,
                name=call.name,
                headers=call.headers,
                data=call.body,
                context=context,
                stream=True,
                catch_response=True,
                allow_redirects=False,
            ) as answer:
                self._take(answer, context, began)
        finally:
            limit.close()
        if context["status"] == 0:
            gevent.sleep(0.1)  # a refusal costs nothing; it must not turn into a flood

    def _take(self, answer: Any, context: dict[str, Any], began: float) -> None:
        """Read the answer, and tell Locust and the record how it went."""
        failure, size = _failure(answer), 0
        context["status"] = answer.status_code
        try:
            size, head = _read(answer)
            if failure and not failure[1]:
                failure = failure[0], head.decode("utf-8", "replace")
        except FAILURE_EXCEPTIONS as error:
            failure, context["status"] = _broken(error), 0
        finally:
            if answer._response is not None:  # noqa: SLF001 - closes what was not read to its end
                answer._response.release()  # noqa: SLF001
        # Locust hands out copies of the context: what is changed after the call goes in by the event's own.
        meta = answer.request_meta
        meta["context"] = {**context, "failure": failure}
        meta["response_length"] = size
        meta["response_time"] = (RECORD.now - began) * 1000
        if failure:
            answer.failure(f"{failure[0]}: {failure[1]}")
        else:
            answer.success()
