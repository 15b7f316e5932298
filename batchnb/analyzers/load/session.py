"""One load test: the pre-flight check, the runs of the generator, and a last look at the app."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from batchnb.analyzers.load import plan
from batchnb.analyzers.load.record import Answer, Asked, LoadRecord, Run
from batchnb.analyzers.load.sampler import Sampler
from batchnb.tools.cancellation import Deadline
from batchnb.tools.process import Ending, Limits, run_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from batchnb.analyzers.base import AnalysisContext
    from batchnb.analyzers.load.endpoints import Endpoint
    from batchnb.analyzers.load.options import LoadOptions
    from batchnb.analyzers.load.sampler import Sample
    from batchnb.tools.launch.usage import Usage
    from batchnb.tools.process import RawOutput
    from batchnb.tools.targets import Target

PREFLIGHT_SECONDS = 5.0
"""How long one endpoint may take to answer a single request, at most."""
CODE = Path(__file__).parent
LIMITS = Limits(memory_bytes=2 << 30)
LAST_LOOKS = 5
"""Endpoints that are asked, one after the other, before an app counts as dead."""


@dataclass(slots=True)
class LoadSession:
    """A load test of one target, step by step."""

    target: Target
    options: LoadOptions
    context: AnalysisContext
    how: str = ""
    """How the app came to run."""
    enter: tuple[str, ...] = ()
    """Put before a command, so that it runs in the app's network."""
    usage: Callable[[], Usage | None] | None = None
    """What the app uses now; None: nobody can tell."""
    last_words: Callable[[], str] | None = None
    """How the app ended, and the end of its log; None: nobody can tell."""
    notes: tuple[str, ...] = ()
    """What casts doubt on the numbers from the outset."""
    version: str = ""
    stderr_tail: str = ""
    exit_code: int | None = None
    _runs: list[Run] = field(default_factory=list)

    def measure(
        self, endpoints: Sequence[Endpoint], left_out: Sequence[tuple[str, str]] = (), writes: int = 0
    ) -> LoadRecord:
        """Ask each endpoint once, load those that answer, and return all that was seen.

        Args:
            endpoints: what to ask for.
            left_out: what should have been asked for and was not, with the reasons, for the record.
            writes: how many routes that change data were not wanted, for the record.

        Raises:
            ToolMissingError: if the interpreter is gone.
        """
        checked = self._preflight(endpoints)
        fit = [endpoint for endpoint, asked in checked if not asked.refusal]
        load_average = os.getloadavg()[0]
        cut = self._run_all(fit) if fit else ""
        alive = self._answers(fit[:LAST_LOOKS]) if self._runs else None
        return LoadRecord(
            target=self.target.origin,
            how=self.how,
            endpoints=tuple(asked for _, asked in checked),
            left_out=tuple(left_out),
            writes=writes,
            window=self.options.window,
            users=self.options.users,
            wanted_runs=self.options.repeats,
            runs=tuple(self._runs),
            cut=cut or self._over(),
            notes=self.notes,
            load_average=load_average,
            processors=os.cpu_count() or 1,
            alive=alive,
            last_words=self.last_words() if alive is False and self.last_words else "",
        )

    # ------------------------------------------------------------------------------------- pre-flight

    def _preflight(self, endpoints: Sequence[Endpoint]) -> list[tuple[Endpoint, Asked]]:
        """Ask each endpoint once; one whose made-up query is refused, once more without."""
        checked = self._asked(endpoints)
        names = {endpoint.name for endpoint in endpoints}
        simpler = {
            number: plain
            for number, (endpoint, asked) in enumerate(checked)
            if asked.answer
            and asked.refusal
            and (plain := endpoint.without_query)
            and plain.name not in names
        }
        for number, again in zip(simpler, self._asked(list(simpler.values())), strict=True):
            if not again[1].refusal:
                checked[number] = again
        return checked

    def _asked(self, endpoints: Sequence[Endpoint]) -> list[tuple[Endpoint, Asked]]:
        answers = self._probe(endpoints) if endpoints else []
        padded: list[Answer | None] = [*answers, *[None] * (len(endpoints) - len(answers))]
        return [
            (
                endpoint,
                Asked(name=endpoint.name, source=endpoint.source, line=endpoint.line, answer=answer),
            )
            for endpoint, answer in zip(endpoints, padded, strict=True)
        ]

    def _probe(self, endpoints: Sequence[Endpoint]) -> list[Answer]:
        """Ask each endpoint once; fewer answers than endpoints if it was stopped."""
        request = {
            "scheme": self.target.scheme,
            "address": self.target.address,
            "port": self.target.port,
            "headers": plan.headers_for(self.target),
            "timeout": min(PREFLIGHT_SECONDS, self.options.request_timeout_seconds),
            "calls": [plan.call_of(endpoint) for endpoint in endpoints],
        }
        raw = run_tool(
            (*self.enter, sys.executable, "-I", str(CODE / "probe.py")),
            deadline=self.context.deadline,
            cancel=self.context.cancel,
            limits=LIMITS,
            stdin=json.dumps(request).encode(),
        )
        self.stderr_tail = raw.stderr.decode("utf-8", "replace")
        answers = []
        for line in raw.stdout.splitlines():
            try:
                answers.append(Answer.model_validate_json(line))
            except ValidationError:  # the last one, cut off
                break
        return answers

    def _answers(self, endpoints: Sequence[Endpoint]) -> bool | None:
        """Whether one of the endpoints still answers; None: that could not be asked any more."""
        for endpoint in endpoints:
            answers = self._probe([endpoint])
            if self._over() or not answers:
                return None
            if answers[0].status:
                return True
        return False

    # ------------------------------------------------------------------------------------------ runs

    def _run_all(self, endpoints: Sequence[Endpoint]) -> str:
        """Make the runs; return why there are fewer than wanted, empty if there are not."""
        for number in range(self.options.repeats):
            if over := self._over():
                return over
            if self.context.deadline.remaining() < self.options.most_seconds:
                return "timed_out"
            failure = self._run(number, endpoints)
            if failure:
                return failure
            if self._runs[-1].stopped == "no_answer":
                break  # it is dead: a second run would measure a refused connection
        return ""

    def _run(self, number: int, endpoints: Sequence[Endpoint]) -> str:
        """Make one run; return why there is none, empty if there is."""
        folder = self.context.scratch / f"load{number}"
        folder.mkdir(mode=0o700)
        (folder / "locustfile.py").write_bytes((CODE / "locustfile.py").read_bytes())
        (folder / "plan.json").write_text(
            json.dumps(plan.plan_of(self.target, endpoints, self.options)), "utf-8"
        )
        with self._patience() as deadline, Sampler(self.usage, self._ticker(number)) as sampler:
            raw = run_tool(
                (*self.enter, *plan.command_of(folder, self.target, self.options)),
                deadline=deadline,
                cancel=self.context.cancel,
                cwd=folder,
                env={"LOCUST_SKIP_UPDATE": "1"},
                limits=LIMITS,
            )
        self.stderr_tail, self.exit_code = raw.stderr.decode("utf-8", "replace"), raw.returncode
        if raw.ending is not Ending.EXITED:
            return self._over() or f"the generator ended badly: {raw.ending.value}"
        return self._read(folder / "result.json", raw, sampler.samples)

    @contextmanager
    def _patience(self) -> Iterator[Deadline]:
        """Give the deadline of one run: the task's, wherever that is moved, or of a hanging generator."""
        latest = Deadline.after(self.options.most_seconds + 15)
        end, own = latest.at, self.context.deadline
        leave = own.subscribe(lambda: latest.move(min(end, own.at)))
        latest.move(min(end, own.at))
        try:
            yield latest
        finally:
            leave()

    def _read(self, result: Path, raw: RawOutput, samples: Sequence[Sample]) -> str:
        try:
            run = Run.model_validate_json(result.read_bytes())
        except (OSError, ValidationError) as error:
            what = "left no result" if isinstance(error, OSError) else "left a result of an unknown form"
            return f"the generator {what} (exit code {raw.returncode})"
        self.version = run.locust
        usage = tuple((round(at - run.started, 3), round(cpu, 3), rss) for at, cpu, rss in samples)
        self._runs.append(run.model_copy(update={"usage": usage}))
        return ""

    def _over(self) -> str:
        if self.context.cancel.cancelled:
            return "cancelled"
        return "timed_out" if self.context.deadline.expired else ""

    def _ticker(self, number: int) -> Callable[[], None]:
        """Return a function that tells the progress, by the clock, when the percentage changes."""
        began, told = time.monotonic(), [-1]
        length = self.options.window[1] + 2

        def tick() -> None:
            part = min(1.0, (time.monotonic() - began) / length)
            percent = 10 + int(85 * (number + part) / self.options.repeats)
            if percent > told[0]:
                told[0] = percent
                self.context.progress(percent)

        return tick
