"""Reading a model's answers about one app: measurements, findings and coverage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.hiding import hide
from batchnb.analyzers.llm.heuristic import LABEL, RuleOfThumb
from batchnb.analyzers.llm.transcript import Transcript, app_sources
from batchnb.analyzers.llm.verdict import VALUES
from batchnb.analyzers.llm.wording import MAX_DETAIL, detail_of, judge, reason_of, total
from batchnb.analyzers.raw import StagedFiles
from batchnb.records import (
    AnalysisReport,
    AnalysisType,
    Confidence,
    Coverage,
    CoverageStatus,
    Finding,
    Measurement,
    Severity,
    UnreadFile,
    fingerprint,
)
from batchnb.records.errors import ReportError
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.analyzers.llm.verdict import Decision
    from batchnb.analyzers.raw import RawTarget, ToolRun

LLM, HEURISTIC = "llm", "heuristic"
RULE = "requirement-not-met"
WHOLE_APP = "."
"""Path of a finding that no single place stands for."""
_KIND = AnalysisType.GPT4ALL.value
_MAX_UNREAD = 200


@dataclass(slots=True)
class Reader:
    """Makes the report of one app."""

    target: RawTarget
    options: Mapping[str, Any]
    _issues: list[Finding] = field(default_factory=list)
    _cells: list[Coverage] = field(default_factory=list)
    _numbers: list[Measurement] = field(default_factory=list)

    def read(self, run: ToolRun) -> None:
        """Take over what one tool wrote."""
        if run.status is not CoverageStatus.OK:
            self._cell(run, run.status, run.detail)
            return
        try:
            if run.tool == LLM:
                self._read_answers(run, Transcript.load(run.output))
            else:
                self._read_guesses(run)
        except ReportError as error:
            self._cell(run, CoverageStatus.FAILED, str(error))

    def report(self) -> AnalysisReport:
        """Return what was read."""
        return AnalysisReport(
            issues=tuple(self._issues), coverage=tuple(self._cells), measurements=tuple(self._numbers)
        )

    # ------------------------------------------------------------------------------- the model

    def _read_answers(self, run: ToolRun, said: Transcript) -> None:
        sources, all_read = self._sources, not self._files.unread
        decisions = [
            said.decision(number, sources, all_read=all_read)
            for number in range(1, len(said.requirements) + 1)
        ]
        for number, decision in enumerate(decisions, start=1):
            self._requirement(number, said, decision)
        self._count(said)
        answered = sum(decision.votes > 0 for decision in decisions)
        gaps = self._not_shown(said)
        status, detail = judge(said, answered, len(gaps))
        cached = sum(reply.cached for reply in said.replies)
        self._cell(run, status, detail, gaps, cached=0 < cached == len(said.replies))

    def _requirement(self, number: int, said: Transcript, decision: Decision) -> None:
        text = said.requirements[number - 1]
        subject = f"requirement {number}"
        failure = said.failures.get(number, said.stopped)
        is_partial = number in said.left_out or bool(self._files.unread)
        detail = detail_of(text, decision, failure, is_partial=is_partial)
        value = VALUES[decision.verdict]
        self._measure("requirement_met", subject, value, samples=decision.votes, detail=detail)
        if decision.votes and decision.confidence is not None:
            self._measure("requirement_confidence", subject, decision.confidence, samples=decision.votes)
        if self.options.get("votes", 1) > 1 and decision.votes:
            self._measure("requirement_agreement", subject, decision.agreement, samples=decision.votes)
        if value == 0:
            self._issues.append(self._finding(text, decision))

    def _finding(self, text: str, decision: Decision) -> Finding:
        place = decision.places[0] if decision.places else None
        sure = decision.confidence or 0.0
        level = Confidence.HIGH if sure >= 0.8 else Confidence.MEDIUM if sure >= 0.5 else Confidence.LOW
        same = sum(issue.message == text for issue in self._issues)
        return Finding(
            model=self.target.model,
            app_num=self.target.app_num,
            analysis_type=_KIND,
            tool=LLM,
            rule=RULE,
            severity=Severity.LOW,
            confidence=level,
            path=place.path if place else WHOLE_APP,
            line=place.line if place else None,
            message=visible(text, one_line=True)[:1_000],
            snippet=visible(hide(place.quote))[:400] if place else "",
            # by the requirement: what a model quotes differs from one time to the next
            fingerprint=fingerprint(LLM, RULE, "", text, same),
        )

    def _count(self, said: Transcript) -> None:
        """Measure what the answers cost; those of the cache cost nothing now."""
        fresh = [reply for reply in said.replies if not reply.cached]
        from_cache = len(said.replies) - len(fresh)
        note = f"{len(fresh)} answers, {from_cache} more from the cache"
        tokens = {
            name: total([getattr(reply, name) for reply in fresh])
            for name in ("prompt_tokens", "completion_tokens")
        }
        for name, value in tokens.items():
            self._measure(name, "", value, unit="tokens", samples=len(fresh), detail=note)
        seconds = sum(reply.seconds for reply in fresh)
        self._measure("llm_seconds", "", round(seconds, 3), unit="s", samples=len(fresh), detail=note)
        prices = [self.options.get("input_price", 0.0), self.options.get("output_price", 0.0)]
        if any(prices):
            known = [count for count in tokens.values() if count is not None]
            paid = sum(count * price for count, price in zip(known, prices, strict=False)) / 1e6
            cost = paid if len(known) == len(prices) else None
            unit = str(self.options.get("currency", ""))
            self._measure("cost", "", cost, unit=unit, samples=len(fresh), detail=note)

    def _not_shown(self, said: Transcript) -> list[UnreadFile]:
        """Return the files that the model was not shown whole for every requirement, and those not staged."""
        asked = len(said.requirements)
        by_path: dict[str, list[str]] = {}
        for left_out in said.left_out.values():
            for path, lines in left_out.items():
                by_path.setdefault(path, []).append(lines)
        gaps = [
            UnreadFile(path=path, reason=reason_of(lines, asked)) for path, lines in sorted(by_path.items())
        ]
        unread = self._files.unread
        return [*gaps, *(UnreadFile(path=path, reason=why) for path, why in unread)]

    # ----------------------------------------------------------------------- the rule of thumb

    def _read_guesses(self, run: ToolRun) -> None:
        rule = RuleOfThumb(run.output, self._sources)
        for number, text in enumerate(rule.requirements, start=1):
            guess = rule.guess(text)
            detail = visible(f"{text} | {guess.detail}", one_line=True)[:MAX_DETAIL]
            self._measure(
                "requirement_met", f"requirement {number}", guess.value, detail=detail, tool=HEURISTIC
            )
        gaps = {**dict(rule.unread), **dict(self._files.unread)}
        unread = [UnreadFile(path=path, reason=why) for path, why in gaps.items()]
        status = CoverageStatus.PARTIAL if unread or rule.cut else CoverageStatus.OK
        self._cell(run, status, "; ".join(filter(None, (LABEL, rule.cut))), unread)

    # ---------------------------------------------------------------------------------- common

    @property
    def _files(self) -> StagedFiles:
        return self.target.files or StagedFiles()

    @property
    def _sources(self) -> dict[str, str]:
        return app_sources(self._files)

    def _measure(
        self,
        metric: str,
        subject: str,
        value: float | None,
        *,
        unit: str = "",
        samples: int | None = None,
        detail: str = "",
        tool: str = LLM,
    ) -> None:
        self._numbers.append(
            Measurement(
                model=self.target.model,
                app_num=self.target.app_num,
                analysis_type=_KIND,
                tool=tool,
                metric=metric,
                subject=subject,
                value=value,
                unit=unit,
                samples=samples,
                detail=detail,
            )
        )

    def _cell(
        self,
        run: ToolRun,
        status: CoverageStatus,
        detail: str,
        unread: Sequence[UnreadFile] = (),
        *,
        cached: bool = False,
    ) -> None:
        eligible = len(self._files.origins) + len(self._files.unread)
        self._cells.append(
            Coverage(
                model=self.target.model,
                app_num=self.target.app_num,
                analysis_type=_KIND,
                tool=run.tool,
                status=status,
                files_eligible=eligible,
                files_seen=eligible - len(unread) if status.is_measured else 0,
                unread=tuple(unread[:_MAX_UNREAD]),
                tool_version=visible(run.version, one_line=True),
                seconds=run.seconds,
                cached=cached,
                detail=visible(detail, one_line=True)[:MAX_DETAIL],
            )
        )
