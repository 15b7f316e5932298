"""One model on one server: which there is, what it takes in, and how it wants to be asked."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from batchnb.analyzers.llm.answer import answer_grammar, answer_schema
from batchnb.analyzers.llm.connection import ServerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchnb.analyzers.llm.connection import Connection, Reply
    from batchnb.analyzers.llm.prompt import Prompt

DEFAULT_CONTEXT: Final = 4_096
_NOT_THERE = frozenset({404, 405, 501})
_NOT_UNDERSTOOD = frozenset({400, 415, 422, 500, 501})


class Form(StrEnum):
    """How a server is told what an answer looks like."""

    SCHEMA = "json_schema"
    GRAMMAR = "grammar"
    PLAIN = "plain"
    """Not at all: only the question says so, and the answer is read as strictly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """What a server understands, as far as is known."""

    chat: bool = True
    """`/chat/completions`; otherwise `/completions`, for a model without a chat template."""
    form: Form = Form.SCHEMA
    seed: bool = True

    def body(self, model: str, prompt: Prompt, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request."""
        asked = {name: value for name, value in sampling.items() if name != "seed" or self.seed}
        what = {"messages": prompt.messages} if self.chat else {"prompt": prompt.text}
        return {"model": model, **what, **asked, "stream": False, **self._form_fields(prompt.nonce)}

    def _form_fields(self, nonce: str) -> dict[str, Any]:
        if self.form is Form.GRAMMAR:
            return {"grammar": answer_grammar(nonce)}
        if self.form is Form.PLAIN:
            return {}
        schema = {"name": "verdict", "schema": answer_schema(nonce)}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def simpler(self, reply: Reply) -> Dialect | None:
        """Return what to try after this refusal; None: it is not for the way of asking."""
        said = reply.text.lower()
        if self.chat and (reply.status in _NOT_THERE or ("chat" in said and "template" in said)):
            # llama.cpp passes over a schema on this path without a word, but not over a grammar.
            return Dialect(chat=False, form=Form.GRAMMAR, seed=self.seed)
        if reply.status not in _NOT_UNDERSTOOD:
            return None
        if self.seed and "seed" in said:
            return replace(self, seed=False)
        if self.form is Form.SCHEMA:
            return replace(self, form=Form.GRAMMAR)
        if self.form is Form.GRAMMAR:
            return replace(self, form=Form.PLAIN)
        return replace(self, seed=False) if self.seed else None


class ContextExceededError(ServerError):
    """The question is longer than the model's context window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What the model wrote."""

    text: str
    finish: str = ""
    prompt_tokens: int | None = None
    """None: the server does not say."""
    completion_tokens: int | None = None
    seconds: float = 0.0


_known: dict[tuple[str, str], Dialect] = {}
_known_lock = threading.Lock()


class Model:
    """A model that can be asked."""

    def __init__(self, connection: Connection, wanted: str, context_tokens: int) -> None:
        """Look what the server offers.

        Args:
            connection: to the server.
            wanted: the model's name; empty: the first one.
            context_tokens: its context window; 0: as the server says.

        Raises:
            NoServerError: if nothing answers.
            NoModelError: if it has no such model.
            ServerError: if it gives no list of models.
            StoppedError: see `Connection.post`.
        """
        self._connection = connection
        entries = _entries(connection)
        self.offered = tuple(entries)
        if (wanted and entries and wanted not in entries) or not (wanted or entries):
            listed = ", ".join(list(entries)[:10]) or "none"
            raise NoModelError(f"{connection.name} has no model {wanted!r}; it offers: {listed}")
        self.address = connection.name
        self.name = wanted or next(iter(entries))
        said, has_template = _properties(connection, entries.get(self.name, {}))
        self.context_tokens = context_tokens or said or DEFAULT_CONTEXT
        self.context_source = "option" if context_tokens else "server" if said else "default"
        self._key = (connection.name, self.name)
        with _known_lock:
            known = _known.get(self._key)
        self.dialect = known or (Dialect() if has_template else Dialect(chat=False, form=Form.GRAMMAR))

    def ask(self, prompt: Prompt, sampling: Mapping[str, Any]) -> Completion:
        """Return what the model writes, asked as the server understands it; that is remembered.

        Args:
            prompt: the question.
            sampling: `temperature`, `max_tokens` and `seed`.

        Raises:
            ContextExceededError: if the question is too long for it.
            NoServerError, ServerError, StoppedError: see `Connection.post`.
        """
        start = time.monotonic()
        dialect = self.dialect
        while True:
            path = "/chat/completions" if dialect.chat else "/completions"
            reply = self._connection.post(path, dialect.body(self.name, prompt, sampling))
            if reply.status == 200:
                found = _completion(reply)
                self._remember(dialect)
                return replace(found, seconds=round(time.monotonic() - start, 3))
            if _is_context(reply):
                raise ContextExceededError(_said(reply), reply.status, reply.text)
            simpler = dialect.simpler(reply)
            if simpler is None:
                raise ServerError(_said(reply), reply.status, reply.text)
            dialect = simpler

    def _remember(self, dialect: Dialect) -> None:
        self.dialect = dialect
        with _known_lock:
            _known[self._key] = dialect


class NoModelError(ServerError):
    """The server has not the model that is wanted, or none at all."""


def _entries(connection: Connection) -> dict[str, dict[str, Any]]:
    reply = connection.get("/models")
    if reply.status in _NOT_THERE:
        return {}  # a server for one model only, perhaps; then the option has to name it
    if reply.status != 200:
        raise ServerError(f"{connection.name}/models: {_said(reply)}", reply.status, reply.text)
    try:
        data = reply.json()["data"]
        return {str(entry["id"])[:500]: entry for entry in data}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ServerError(f"{connection.name}/models is no list of models") from None


def _properties(connection: Connection, entry: Mapping[str, Any]) -> tuple[int, bool]:
    """Return the context window in tokens (0: nobody says), and whether there is a chat template."""
    meta = entry.get("meta")
    places = (entry, meta if isinstance(meta, dict) else {})
    names = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx")
    said = next((place[name] for place in places for name in names if _is_size(place.get(name))), 0)
    try:  # llama.cpp's own
        reply = connection.get("/props", root=True)
        properties = reply.json() if reply.status == 200 else {}
        size = properties["default_generation_settings"]["n_ctx"]
        return (size if _is_size(size) else said), properties.get("chat_template") != ""
    except (ServerError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return said, True


def _is_size(value: Any) -> bool:
    return type(value) is int and 256 <= value <= 100_000_000


def _is_context(reply: Reply) -> bool:
    said = reply.text.lower()
    signs = ("context size", "context length", "context_length", "context window", "exceed_context", "n_ctx")
    return reply.status in {400, 413, 422, 500} and any(sign in said for sign in signs)


def _said(reply: Reply) -> str:
    """Return a refusal in one line."""
    try:
        said = reply.json()["error"]
        text = said["message"] if isinstance(said, dict) else said
    except (ValueError, TypeError, KeyError, RecursionError):
        text = reply.text
    return f"HTTP {reply.status}: {' '.join(str(text).split())[:300] or 'no text'}"


def _completion(reply: Reply) -> Completion:
    try:
        body = _joined(reply.text) if reply.is_stream else reply.json()
        choice = body["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        usage = body.get("usage")
        counts = usage if isinstance(usage, dict) else {}
        return Completion(
            text=_text(text),
            finish=str(choice.get("finish_reason") or "")[:40],
            prompt_tokens=_count(counts.get("prompt_tokens")),
            completion_tokens=_count(counts.get("completion_tokens")),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise ServerError(f"the reply is no completion: {type(error).__name__}", reply.status) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("the text is none")
    return value


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**40 else None


def _joined(text: str) -> dict[str, Any]:
    """Return a stream of events, which some servers send unasked, as one completion."""
    parts, last = [], {}
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            last = json.loads(data)
            choice = last["choices"][0] if last.get("choices") else {}
            parts.append((choice.get("delta") or {}).get("content") or choice.get("text") or "")
    return {**last, "choices": [{"text": "".join(parts), "finish_reason": "stop"}]}
