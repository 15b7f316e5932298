"""Asking a model about all requirements of one app: what fits is shown, what is known is looked up."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchnb.analyzers.llm.answer import read_answer
from batchnb.analyzers.llm.connection import NoServerError, ServerError, StoppedError
from batchnb.analyzers.llm.model import ContextExceededError
from batchnb.analyzers.llm.packing import BYTES_PER_TOKEN, Group, chunks_of, pack
from batchnb.analyzers.llm.prompt import make_prompt
from batchnb.analyzers.llm.rows import Chunk, lines_of, rows
from batchnb.analyzers.llm.transcript import ASKED, CONFIRMED, Record, Transcript
from batchnb.records.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from batchnb.analyzers.llm.cache import ReplyCache
    from batchnb.analyzers.llm.evidence import Place
    from batchnb.analyzers.llm.model import Model
    from batchnb.analyzers.llm.options import LlmOptions
    from batchnb.analyzers.llm.prompt import Prompt
    from batchnb.tools.requirement_list import Requirements

_MARGIN_TOKENS = 96
"""For what a chat template adds."""
_LEAST_TOKENS = 200
"""Of source; a model that takes in less cannot be asked."""
_SHRINK = 0.7
_MOST_BYTES_PER_TOKEN = 6.0
"""No text of code and JSON has more; a server that counts fewer tokens has not read all of it."""
_FIRST_SEED = 1_001
_AROUND = 12
_PATIENCE = 3
"""Failures in a row after which the server is asked no more."""


@dataclass(slots=True)
class Interview:
    """The questions about one app."""

    model: Model
    cache: ReplyCache
    options: LlmOptions
    sources: Mapping[str, str]
    """Path in the app -> text."""
    progress: Callable[[int], None]
    transcript: Transcript = field(init=False)
    _failures: int = 0
    """In a row, up to now."""

    def hold(self, requirements: Requirements) -> Transcript:
        """Ask everything and return what was said; what could not be asked is named in it.

        Raises:
            StoppedError: if it was stopped before the first reply.
        """
        self.transcript = Transcript(
            title=requirements.title,
            requirements=list(requirements.texts),
            nonce=self.cache.nonce(json.dumps([sorted(self.sources.items()), requirements.texts])),
            model=self.model.name,
            address=self.model.address,
            context_tokens=self.model.context_tokens,
            context_source=self.model.context_source,
            votes=self.options.votes,
            confirm=self.options.confirm_met,
            cut=requirements.cut,
        )
        try:
            self._ask_all(requirements.texts)
        except (StoppedError, NoServerError) as error:
            if isinstance(error, StoppedError) and not self.transcript.replies:
                raise
            self.transcript.stopped = str(error)
        if self.cache.trouble:
            self.transcript.notes.append(self.cache.trouble)
        return self.transcript

    def _ask_all(self, texts: Sequence[str]) -> None:
        chunks, room = chunks_of(self.sources), self._room(texts)
        pending = list(range(1, len(texts) + 1))
        while room >= _LEAST_TOKENS and pending and not self.transcript.stopped:
            shown = 0.0
            try:
                for group in pack(chunks, texts, room):
                    shown = len(group.source.encode()) / BYTES_PER_TOKEN
                    self._ask_group(group, texts, pending)
            except ContextExceededError:  # tokens were guessed, or the server has less room than it says
                room = int(min(room, shown) * _SHRINK)
        if self.transcript.stopped:
            return
        why = f"the model's context window of {self.model.context_tokens:,} tokens is too small"
        self.transcript.failures |= dict.fromkeys(pending, why)

    def _room(self, texts: Sequence[str]) -> int:
        """Return how many tokens of source a question may hold."""
        longest = max(texts, key=len)
        empty = make_prompt(self.transcript.nonce, "", longest).size / BYTES_PER_TOKEN
        return int(self.model.context_tokens - self.options.answer_tokens - empty - _MARGIN_TOKENS)

    def _ask_group(self, group: Group, texts: Sequence[str], pending: list[int]) -> None:
        for number in group.numbers:
            if number not in pending or self.transcript.stopped:
                continue
            if group.left_out:
                self.transcript.left_out[number] = dict(group.left_out)
            try:
                self._ask(number, make_prompt(self.transcript.nonce, group.source, texts[number - 1]))
                self._failures = 0
            except ContextExceededError:
                self._forget(number)
                raise
            except ServerError as error:
                self.transcript.failures[number] = str(error)
                self._failures += 1
                if self._failures == _PATIENCE:
                    self.transcript.stopped = f"given up after {_PATIENCE} failures in a row"
            pending.remove(number)
            self.progress(5 + 90 * (len(texts) - len(pending)) // len(texts))

    def _forget(self, number: int) -> None:
        kept = [each for each in self.transcript.replies if each.requirement != number]
        self.transcript.replies = kept

    def _ask(self, number: int, prompt: Prompt) -> None:
        for vote in range(self.options.votes):
            self._record(number, ASKED, vote, prompt)
        if not self.options.confirm_met:
            return
        decision = self.transcript.votes_on(number, self.sources)
        if decision.verdict == "met":
            excerpt = rows(self._around(decision.places))
            requirement = self.transcript.requirements[number - 1]
            with_places = make_prompt(self.transcript.nonce, excerpt, requirement)
            self._record(number, CONFIRMED, 0, with_places)

    def _around(self, places: Sequence[Place]) -> list[Chunk]:
        chunks = []
        for place in sorted(places, key=lambda place: (place.path, place.line)):
            lines = lines_of(self.sources[place.path])
            first = max(1, place.line - _AROUND)
            shown = tuple(lines[first - 1 : place.line + _AROUND])
            chunks.append(Chunk(path=place.path, first=first, lines=shown))
        return chunks

    def _record(self, number: int, step: str, vote: int, prompt: Prompt) -> None:
        sampling = {
            "temperature": 0.0 if self.options.votes == 1 else self.options.vote_temperature,
            "max_tokens": self.options.answer_tokens,
            "seed": _FIRST_SEED + vote,
        }
        asked = {
            "address": self.model.address,
            "model": self.model.name,
            "messages": prompt.messages,
            **sampling,
        }
        digest = self.cache.digest(asked)
        known = _kept(self.cache.get(digest), prompt.nonce)
        if known is None:
            known = self._fresh(digest, prompt, sampling)
        self.transcript.replies.append(
            Record(requirement=number, step=step, vote=vote, digest=digest, **known)
        )

    def _fresh(self, digest: str, prompt: Prompt, sampling: Mapping[str, Any]) -> dict[str, Any]:
        said = self.model.ask(prompt, sampling)
        counted = said.prompt_tokens
        reply = {
            "text": said.text,
            "finish": said.finish,
            "prompt_tokens": counted,
            "completion_tokens": said.completion_tokens,
            "cut": counted is not None and counted * _MOST_BYTES_PER_TOKEN < prompt.size,
            "form": self.model.dialect.form.value,
        }
        if not reply["cut"] and _is_answer(said.text, prompt.nonce):
            self.cache.put(digest, reply)
        return {**reply, "seconds": said.seconds}


def _kept(found: Mapping[str, Any] | None, nonce: str) -> dict[str, Any] | None:
    """Return a reply of the cache, if it is one that could have been put there."""
    if found is None or not isinstance(found.get("text"), str) or not _is_answer(found["text"], nonce):
        return None
    form = found.get("form")
    return {"text": found["text"], "form": form if isinstance(form, str) else "", "cached": True}


def _is_answer(text: str, nonce: str) -> bool:
    with suppress(ReportError):
        read_answer(text, nonce)
        return True
    return False
