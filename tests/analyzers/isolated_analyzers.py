"""Analyzers that a worker process can import, each with its way to go wrong."""

import math
import os
import time
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr, computed_field

from batchnb.analyzers.base import Analyzer, Options
from batchnb.records import AnalysisReport, Coverage, CoverageStatus, Finding, Severity, UnreadFile
from batchnb.records.errors import ToolMissingError


class StubOptions(Options):
    depth: int = Field(default=1, title="Depth", description="How deep.")
    words: tuple[str, ...] = Field(default=(), title="Words", description="Which.")


class Stub(Analyzer):
    key = "stub"
    title = "Stub"
    service = "stub_analyzer"
    tools = ("one", "two")
    options = StubOptions

    def analyze(self, app, options, context):
        context.progress(50)
        assert list(context.scratch.iterdir()) == []
        return report(app, str(os.getpid()), str(context.scratch), f"{options.depth} {options.words}")


class Depth(StrEnum):
    DEEP = "deep"


class RichOptions(Options):
    depth: Depth = Depth.DEEP
    where: Path = Path("/x")
    shares: tuple[float, ...] = (1.0, math.inf)
    kinds: frozenset[str] = frozenset({"a"})
    other: int = Field(default=1, alias="another")

    @computed_field
    @property
    def twice(self) -> int:
        return 2 * self.other


class Rich(Stub):
    options = RichOptions

    def analyze(self, app, options, context):
        return report(app, repr(options))


class SecretOptions(Options):
    key: SecretStr = SecretStr("canary")


class Secret(Rich):
    options = SecretOptions


class Talkative(Stub):
    def analyze(self, app, options, context):
        for step in range(200_000):
            context.progress(step / 2000)
        return report(app)


class Many(Stub):
    def analyze(self, app, options, context):
        return report(app, *(f"message {number}" for number in range(options.depth)))


class Foreign(Stub):
    """Speaks of another app, and of another job."""

    def analyze(self, app, options, context):
        issue = finding(app, "mine")
        cell = Coverage(
            model="other", app_num=9, analysis_type="zap", tool="two", status=CoverageStatus.OK, job_id=7
        )
        return AnalysisReport(issues=(issue,), coverage=(cell,))


class Hanging(Stub):
    def analyze(self, app, options, context):
        context.progress(1)
        while True:
            try:
                time.sleep(0.01)
            except BaseException:  # noqa: BLE001
                continue


class Dying(Stub):
    def analyze(self, app, options, context):
        os._exit(3)


class Raising(Stub):
    def analyze(self, app, options, context):
        raise ToolMissingError("the program 'x' is not installed")


class Silent(Stub):
    def analyze(self, app, options, context):
        return None


class UnknownTool(Stub):
    def analyze(self, app, options, context):
        return AnalysisReport(issues=(finding(app, "x", tool="three"),), coverage=())


class Keyed(Stub):
    """Tells which of its secrets it was given, and which are in its environment."""

    secrets = ("STUB_KEY",)

    def analyze(self, app, options, context):
        return report(app, *context.secrets.values(), str("STUB_KEY" in os.environ))


class Lengthy(Stub):
    def analyze(self, app, options, context):
        return report(app, "x" * 30_000)


def finding(app, message, tool="one"):
    return Finding(
        model=app.model,
        app_num=app.app_num,
        analysis_type="stub",
        tool=tool,
        rule="R1",
        severity=Severity.HIGH,
        path="backend/\udcff.py",
        message=message,
        fingerprint="f",
    )


def report(app, *messages):
    cell = Coverage(
        model=app.model,
        app_num=app.app_num,
        analysis_type="stub",
        tool="one",
        status=CoverageStatus.PARTIAL,
        files_eligible=500,
        files_seen=100,
        unread=tuple(UnreadFile(path="p" * 3000 + str(number), reason="r") for number in range(400)),
        seconds=1.5,
        exit_code=-9,
    )
    return AnalysisReport(issues=tuple(finding(app, message) for message in messages), coverage=(cell,))
