"""A decision about a finding (triage): what somebody made of it, and why."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from batchnb.records.errors import InvalidValueError, UnknownNameError
from batchnb.records.ranges import MAX_APP_NUM

MAX_REASON = 4_000
"""Most characters of a reason."""
MAX_AUTHOR = 200
"""Most characters of an author's name."""
MAX_MESSAGE = 1_000
"""Most characters that are kept of what the finding said."""
MAX_MEMBERS = 1_000
"""Most findings that one decision is about."""
_LARGEST = (1 << 63) - 1
_TEXT = re.compile(r"""("(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?|`(?:[^`\\]|\\.)*+`?)""", re.DOTALL)
"""A text in Python or JavaScript, or what a snippet that was cut has of it."""
_ENDS = re.compile(r",[^\S\n]*+\n\s*+(?=[)\]}])|;(?=[^\S\n]*+(?:\n|\Z))")
"""What formatters put at the end of lists and lines, or leave out."""


class Verdict(StrEnum):
    """What was decided about a finding."""

    FALSE_POSITIVE = "false_positive"
    """The tools are wrong: there is no fault."""
    ACCEPTED = "accepted"
    """There is a fault, and somebody chose to live with it."""
    CONFIRMED = "confirmed"
    """There is a fault, and somebody looked at it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """The identity of one finding at the time of the decision. The texts are untrusted."""

    tool: str
    rule: str
    fingerprint: str
    """See `records.finding.fingerprint`."""
    clone_key: str
    """See `records.finding.clone_key`."""
    path: str
    line: int | None = None
    cwe: int | None = None
    code: str = ""
    """See `code_key`. Findings of one tool and rule with equal ones are alike; empty: it is known by its
    fingerprint alone, because that was made of something else than the source that is shown."""
    nth_in_file: int = 1
    """Which of the alike findings of its file it was, from the top."""
    alike_in_file: int = 1
    """How many of them its file had, itself among them."""
    alike_in_app: int | None = None
    """How many of them its app had, itself among them; None: its tool did not read everything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What somebody decided about one fault of one app. The texts are untrusted."""

    id: int = 0
    """0: not stored yet."""
    verdict: Verdict
    reason: str
    author: str
    decided_at: datetime
    expires_at: datetime | None = None
    """From when on it does not hold any more; None: no end."""
    withdrawn_at: datetime | None = None
    """When it was taken back; None: it was not."""
    withdrawn_by: str = ""
    withdrawn_because: str = ""
    model: str
    app_num: int
    message: str = ""
    """What the finding said, for a reader."""
    members: tuple[Member, ...]
    """Every tool's evidence for the fault, at the time of the decision."""

    def holds_at(self, time: datetime) -> bool:
        """Whether it is neither withdrawn nor expired at `time`."""
        return self.withdrawn_at is None and (self.expires_at is None or time < self.expires_at)

    def check(self) -> None:
        """Raise InvalidValueError if a field has a value that is not allowed.

        Raises:
            UnknownNameError: if the verdict is none of `Verdict`.
        """
        _whole("decision id", self.id, 0, _LARGEST)
        if self.verdict not in list(Verdict):  # which may be asked about anything
            raise UnknownNameError("verdict", self.verdict, [str(each) for each in Verdict], "a decision")
        _text("reason", self.reason, MAX_REASON)
        _text("author", self.author, MAX_AUTHOR)
        _text("model", self.model, MAX_MESSAGE)
        _whole("app number", self.app_num, 1, MAX_APP_NUM)
        _text("message", self.message, MAX_MESSAGE, needed=False)
        _aware("decided_at", self.decided_at)
        if self.expires_at is not None:
            _aware("expires_at", self.expires_at)
            if self.expires_at <= self.decided_at:
                allowed = f"later than {self.decided_at.isoformat()}, the time of the decision, or None"
                raise InvalidValueError("expires_at", self.expires_at.isoformat(), allowed, "a decision")
        self._check_withdrawal()
        self._check_members()

    def _check_withdrawal(self) -> None:
        if self.withdrawn_at is None:
            return
        _aware("withdrawn_at", self.withdrawn_at)
        _text("author of the withdrawal", self.withdrawn_by, MAX_AUTHOR)
        _text("reason of the withdrawal", self.withdrawn_because, MAX_REASON)

    def _check_members(self) -> None:
        count = len(self.members)
        if not 0 < count <= MAX_MEMBERS:
            allowed = f"a decision is about 1 to {MAX_MEMBERS:,} findings"
            raise InvalidValueError("number of findings", count, allowed, "a decision")
        for member in self.members:
            for name in ("tool", "rule", "fingerprint", "clone_key", "path", "code"):
                _text(name, getattr(member, name), _LARGEST, needed=name == "fingerprint")
            for name in ("line", "cwe", "alike_in_app"):
                if getattr(member, name) is not None:
                    _whole(name, getattr(member, name), 0, _LARGEST)
            for name in ("nth_in_file", "alike_in_file"):
                _whole(name, getattr(member, name), 1, _LARGEST)


@lru_cache(maxsize=1 << 15)  # several tools show the same line
def code_key(snippet: str) -> str:
    """Return 16 hex digits that are equal for source that differs in nothing but its formatting.

    Formatting is: white space outside texts, which kind of quotes a text is in, a comma at the end of a list
    over several lines, a semicolon at the end of a line. Stricter than `fingerprint` and `clone_key`, because
    a decision made about `eval("x")` must not hide `eval(x)`. Empty for an empty snippet.
    """
    if not snippet.strip():
        return ""
    parts = [_plain(part) for part in _TEXT.split(_ENDS.sub("", snippet))]
    data = "".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _plain(part: str) -> str:
    """Return a text as it is, but for the kind of its quotes, or what stands between texts without spaces."""
    if part[:1] in {"'", '"'} and part[-1:] == part[:1] and len(part) > 1:
        return f"\0{part[1:-1]}\0"
    return part if part[:1] in {"'", '"', "`"} else "".join(part.split())


def _text(what: str, value: object, most: int, *, needed: bool = True) -> None:
    if not isinstance(value, str) or (needed and not value.strip()):
        allowed = "text is needed, and not only spaces" if needed else "text is needed"
        raise InvalidValueError(what, value, allowed, "a decision")
    length = len(value.encode("utf-8", "backslashreplace").decode())  # as a store holds it
    if length > most:
        allowed = f"at most {most:,} characters are kept, these are {length:,}"
        raise InvalidValueError(what, f"{value[:60]}…", allowed, "a decision")


def _whole(what: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        allowed = f"a whole number of {least} to {most}"
        raise InvalidValueError(what, value, allowed, "a decision")


def _aware(what: str, value: object) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidValueError(
            what, value, "a time with its zone is needed, such as utc_now()", "a decision"
        )
