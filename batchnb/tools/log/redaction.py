"""Secrets taken out of a text before it is kept: known values, known shapes, and `password=...` pairs.

Each pattern either ends in a run that cannot fail once it is long enough, or cannot begin inside its own
run: so the time grows with the length of the text and not with its square, whatever the text is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from batchnb.tools.log.environment import secret_values

if TYPE_CHECKING:
    from collections.abc import Sequence

HIDDEN: Final = "[redacted]"

_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----"
    r"(?:[A-Za-z0-9+/=\s:,]|\\[nr]|-(?!----))*+(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----)?"
)
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(sk-[A-Za-z0-9_-]{16,}+)"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}+"
    r"|gh[opusr]_[A-Za-z0-9]{20,}+|github_pat_[A-Za-z0-9_]{20,}+|glpat-[A-Za-z0-9_-]{16,}+"
    r"|xox[a-z]-[A-Za-z0-9-]{10,}+"
    r"|hf_[A-Za-z0-9]{24,}+|npm_[A-Za-z0-9]{30,}+|pypi-[A-Za-z0-9_-]{40,}+"
    r"|AIza[A-Za-z0-9_-]{30,}+"
    r"|A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r")"
)
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)?")
_HEADER = re.compile(
    r"""(authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:[a-z]{1,20}\s{1,4})?)[^\s"',;]{4,}+""", re.IGNORECASE
)
_BEARER = re.compile(
    r"(?<![a-z0-9])(bearer\s{1,4})(?=[a-z._~+/=-]{0,99}[0-9])[a-z0-9._~+/=-]{12,}+", re.IGNORECASE
)
_URL = re.compile(r"""(://[^\s/:@"'<>]{0,256}:)[^\s/"'<>]{1,512}(?=@)""")
_PAIR = re.compile(
    r"((?:(?:api|access|auth|private|secret|signing|encryption)[_-]?key|token|secret|passw(?:or)?d|_pass|passphrase)"
    r"""["']?(\s{0,4}[:=]\s{0,4}))"""
    r"""(?:(["'])((?:(?!\3)[^\\\n]|\\.)++)|([^\s"'&,;()\[\]{}<>|`]{4,}+)(?![(\[]))""",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+")
_PLAIN = frozenset({"none", "null", "true", "false", "undefined", "password", "token", "secret", HIDDEN})
_DIGIT = re.compile(r"[0-9]")
_WORD = re.compile(r"\w")
_CODE = re.compile(r"[/.\\]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}+={0,2}")
_SPACED_LENGTH: Final = 8
"""`token: x1` may be prose: after a colon or spaces, a bare value needs this length, a digit, no path.

(What is long enough for a key in base64 is none, slashes or not.)
"""
_PAIR_HINTS = ("key", "token", "secret", "pass")
_SHAPE_HINTS = (
    "sk-",
    "k_live_",
    "k_test_",
    "gh",
    "glpat-",
    "xox",
    "hf_",
    "npm_",
    "pypi-",
    "aiza",
    "akia",
    "asia",
)


def redact(text: str, values: Sequence[str] | None = None) -> str:
    """Return `text` with `[redacted]` in place of what looks like a secret.

    Hidden are the values of secret-looking environment variables, authorization headers, the passwords of
    URLs, private keys, tokens of well-known shapes, and the values of `api_key=`, `token=`, `password=` and
    the like. A word such as `token` alone, a path or a call such as `token = read()` stays.

    Args:
        text: any text; takes time in proportion to its length.
        values: the values to hide; by default `secret_values()`, read from the environment now.
    """
    for value in secret_values() if values is None else values:
        text = text.replace(value, HIDDEN)
    lowered = text.lower()  # most lines have none of these words, and looking for a word is cheap
    if "private key-----" in lowered:
        text = _PEM.sub(HIDDEN, text)
    if "authorization" in lowered:
        text = _HEADER.sub(rf"\1{HIDDEN}", text)
    if "bearer" in lowered:
        text = _BEARER.sub(rf"\1{HIDDEN}", text)
    if "eyj" in lowered:
        text = _JWT.sub(HIDDEN, text)
    if "://" in lowered:
        text = _URL.sub(rf"\1{HIDDEN}", text)
    if any(hint in lowered for hint in _SHAPE_HINTS):
        text = _SHAPES.sub(_hide_shape, text)
    return _PAIR.sub(_hide_pair, text) if any(hint in lowered for hint in _PAIR_HINTS) else text


def _hide_shape(match: re.Match[str]) -> str:
    key = match[1]
    return match[0] if key and not _DIGIT.search(key) else HIDDEN  # `sk-learn-contrib-packages` is a name


def _hide_pair(match: re.Match[str]) -> str:
    name, sign, quote, quoted, bare = match.groups()
    if quote:
        return f"{name}{quote}{HIDDEN}" if _WORD.search(quoted) else match[0]
    if bare.lower() in _PLAIN or bare.startswith((HIDDEN, "%", "$")) or _DOTTED.fullmatch(bare):
        return match[0]
    is_code = _CODE.search(bare) and not _BASE64.fullmatch(bare)
    secret = sign == "=" or (len(bare) >= _SPACED_LENGTH and _DIGIT.search(bare) and not is_code)
    return f"{name}{HIDDEN}" if secret else match[0]
