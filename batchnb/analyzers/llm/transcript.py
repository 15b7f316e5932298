"""All that was asked of a model about one app and what it wrote, as plain data that can be read again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from batchnb.analyzers.llm.verdict import Decision, Vote, check_reply, decide
from batchnb.records.errors import ReportError
from batchnb.tools.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.analyzers.raw import StagedFiles

_FORMAT = 1
ASKED, CONFIRMED = "asked", "confirmed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One reply."""

    requirement: int
    """Counted from 1."""
    step: str
    """`asked`, or `confirmed` for the second look at what was quoted."""
    vote: int
    digest: str
    """Of the whole question, the model and its parameters."""
    text: str
    finish: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0
    cached: bool = False
    cut: bool = False
    """Whether the server took in less of the question than it was sent."""
    form: str = ""
    """How the server was told the form of an answer."""


@dataclass(kw_only=True, slots=True)
class Transcript:
    """One app's questions and answers."""

    title: str
    requirements: list[str]
    nonce: str
    model: str
    address: str
    context_tokens: int
    context_source: str
    replies: list[Record] = field(default_factory=list)
    left_out: dict[int, dict[str, str]] = field(default_factory=dict)
    """Number of a requirement -> path in the app -> lines that were not shown."""
    failures: dict[int, str] = field(default_factory=dict)
    """Number of a requirement -> why there is no (further) answer about it."""
    stopped: str = ""
    """Why no more was asked; empty: everything was."""
    notes: list[str] = field(default_factory=list)
    votes: int = 1
    """How many were wanted of each requirement."""
    confirm: bool = False
    """Whether a second look was wanted before anything counts as met."""
    cut: str = ""
    """What of the list of requirements was left out; empty: nothing."""

    def votes_on(self, number: int, sources: Mapping[str, str], *, all_read: bool = True) -> Decision:
        """Return what the votes about one requirement come to, before any second look.

        Args:
            number: of the requirement, counted from 1.
            sources: path in the app -> text, in which what is quoted is looked up anew.
            all_read: whether that is all of the app's source.
        """
        whole = all_read and not self.left_out.get(number)
        votes = [
            check_reply(each.text, self.nonce, sources, whole=whole, cut=each.cut)
            for each in self.replies
            if each.requirement == number and each.step == ASKED
        ]
        missing = self.votes - len(votes) if votes else 0
        doubt = f"{missing} of {self.votes} votes are missing"
        return decide([*votes, *[Vote(verdict="cannot_tell", doubt=doubt, valid=False)] * missing])

    def decision(self, number: int, sources: Mapping[str, str], *, all_read: bool = True) -> Decision:
        """Return what the answers about one requirement come to; see `votes_on`."""
        decision = self.votes_on(number, sources, all_read=all_read)
        if decision.verdict != "met":
            return decision
        looks = [each for each in self.replies if each.requirement == number and each.step == CONFIRMED]
        if self.confirm and not looks:
            return _doubted(decision, "there was no second look at the quoted places")
        for look in looks:
            second = check_reply(look.text, self.nonce, sources, whole=False, cut=look.cut)
            if second.verdict != "met":
                doubt = (
                    f"not confirmed by a second look at the quoted places ({second.doubt or second.verdict})"
                )
                return _doubted(decision, doubt)
        return decision

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps({"format": _FORMAT, **asdict(self)})

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote.

        Raises:
            ReportError: if it is not that.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            if values.pop("format") != _FORMAT:
                raise ReportError("the answers were kept by another version of batchnb")
            values["replies"] = [Record(**each) for each in values["replies"]]
            for name in ("left_out", "failures"):
                values[name] = {int(number): each for number, each in values[name].items()}
            return cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ReportError(f"these are no answers of a model: {error}") from error


def app_sources(files: StagedFiles) -> dict[str, str]:
    """Return path in the app, as the model is shown it -> text."""
    sources: dict[str, str] = {}
    for path, origin in files.origins.items():
        shown = visible(origin, one_line=True)
        while shown in sources:  # a name made to look like another's must not hide that file
            shown += "~"
        sources[shown] = files.sources[path]
    return sources


def _doubted(decision: Decision, doubt: str) -> Decision:
    return Decision(
        verdict="cannot_tell",
        confidence=decision.confidence,
        agreement=decision.agreement,
        places=decision.places,
        reason=decision.reason,
        doubts=(*decision.doubts, doubt),
        votes=decision.votes,
    )
