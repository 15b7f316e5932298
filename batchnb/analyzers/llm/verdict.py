"""From answers to a verdict: what is not proved does not count, and more than half of the votes decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.analyzers.llm.answer import read_answer
from batchnb.analyzers.llm.evidence import find_evidence
from batchnb.records.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batchnb.analyzers.llm.answer import Verdict
    from batchnb.analyzers.llm.evidence import Place

VALUES: Mapping[str, float | None] = {"met": 1.0, "not_met": 0.0, "cannot_tell": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One reply, checked."""

    verdict: Verdict
    confidence: float = 0.0
    """0 to 1, as the model says."""
    places: tuple[Place, ...] = ()
    reason: str = ""
    doubt: str = ""
    """Why the verdict is not the model's own, or that there is none."""
    valid: bool = True
    """Whether the reply was an answer at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What the votes come to."""

    verdict: Verdict
    confidence: float | None
    """Mean of those who voted so; None: nobody did."""
    agreement: float
    """Share of the votes."""
    places: tuple[Place, ...]
    reason: str
    doubts: tuple[str, ...]
    votes: int
    """Valid ones."""


def check_reply(text: str, nonce: str, sources: Mapping[str, str], *, whole: bool, cut: bool = False) -> Vote:
    """Return what one reply of the model is worth.

    Args:
        text: the reply.
        nonce: the word that it has to hold.
        sources: path in the app -> text.
        whole: whether the model was shown all of the source.
        cut: whether the server took in less of the question than it was sent.
    """
    try:
        answer = read_answer(text, nonce)
    except ReportError as error:
        return Vote(verdict="cannot_tell", doubt=str(error), valid=False)
    found = [find_evidence(each, sources) for each in answer.evidence]
    places = tuple(dict.fromkeys(place for place in found if place is not None))
    verdict, doubt = answer.verdict, ""
    if cut and verdict != "cannot_tell":
        verdict, doubt = "cannot_tell", "the server did not take in the whole question"
    elif verdict == "met" and not places:
        verdict, doubt = "cannot_tell", "said to be met, but nothing that it quotes stands in the code there"
    elif verdict == "not_met" and not whole and not places:
        verdict, doubt = "cannot_tell", "said not to be met, but not all of the code was shown"
    return Vote(
        verdict=verdict,
        confidence=answer.confidence / 100,
        places=places,
        reason=answer.reason,
        doubt=doubt,
    )


def decide(votes: Sequence[Vote]) -> Decision:
    """Return what more than half of all votes say; without such a majority nothing can be told."""
    counted = Counter(vote.verdict for vote in votes)
    verdict, count = counted.most_common(1)[0] if votes else ("cannot_tell", 0)
    doubts = [vote.doubt for vote in votes if vote.doubt]
    if count * 2 <= len(votes):
        verdict, count = "cannot_tell", counted["cannot_tell"]
        doubts.append("the votes do not agree")
    winners = [vote for vote in votes if vote.verdict == verdict and vote.valid]
    places = tuple(dict.fromkeys(place for vote in winners for place in vote.places))
    return Decision(
        verdict=verdict,
        confidence=sum(vote.confidence for vote in winners) / len(winners) if winners else None,
        agreement=count / len(votes) if votes else 0.0,
        places=places,
        reason=next((vote.reason for vote in winners if vote.reason), ""),
        doubts=tuple(dict.fromkeys(doubts)),
        votes=sum(vote.valid for vote in votes),
    )
