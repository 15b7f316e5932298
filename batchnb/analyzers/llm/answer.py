"""The model's answer: one JSON object with the nonce, read strictly. Anything else is no answer."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from batchnb.records.errors import ReportError

MAX_EVIDENCE = 3
MAX_QUOTE = 300
MAX_REASON = 300
MAX_LINE = 999_999
_VERDICTS = ("met", "not_met", "cannot_tell")
_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n```", re.DOTALL)
Verdict = Literal["met", "not_met", "cannot_tell"]


class Evidence(BaseModel):
    """A place in the source that the model quotes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    file: str = Field(max_length=1_000)
    first_line: int = Field(ge=1, le=MAX_LINE)
    last_line: int = Field(ge=1, le=MAX_LINE)
    quote: str = Field(max_length=2_000)


class Answer(BaseModel):
    """What the model says about one requirement."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    nonce: str
    evidence: tuple[Evidence, ...] = Field(max_length=20)
    reason: str = Field(max_length=4_000)
    verdict: Verdict
    confidence: int = Field(ge=0, le=100)


def read_answer(text: str, nonce: str) -> Answer:
    """Return the answer that `text` is as a whole.

    A thinking part at the beginning and one code fence around all of it are passed over; nothing is looked
    for inside other text, where it may be a quotation of the app's.

    Raises:
        ReportError: if it is no answer, or one to something else.
    """
    body = _without_thoughts(text).strip()
    fenced = _FENCED.fullmatch(body)
    try:
        raw = json.loads(
            fenced[1] if fenced else body, object_pairs_hook=_unique, parse_constant=_no_constant
        )
        answer = Answer.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"the answer is not of the agreed form: {place} {first['msg']}") from None
    except (ValueError, RecursionError):
        raise ReportError("the answer is not one JSON object and nothing else") from None
    if answer.nonce != nonce:
        raise ReportError("the answer lacks the word that was agreed for it")
    return answer


def answer_schema(nonce: str) -> dict[str, Any]:
    """Return the JSON schema of an answer; the evidence comes first, so that the verdict follows from it."""
    place = {
        "file": {"type": "string", "maxLength": 200},
        "first_line": {"type": "integer", "minimum": 1, "maximum": MAX_LINE},
        "last_line": {"type": "integer", "minimum": 1, "maximum": MAX_LINE},
        "quote": {"type": "string", "maxLength": MAX_QUOTE},
    }
    return _object(
        {
            "nonce": {"type": "string", "enum": [nonce]},
            "evidence": {"type": "array", "maxItems": MAX_EVIDENCE, "items": _object(place)},
            "reason": {"type": "string", "maxLength": MAX_REASON},
            "verdict": {"type": "string", "enum": list(_VERDICTS)},
            "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
        }
    )


def answer_grammar(nonce: str) -> str:
    """Return the same as a grammar in llama.cpp's GBNF."""
    verdicts = " | ".join(rf'"\"{word}\""' for word in _VERDICTS)
    return "\n".join(
        (
            rf'root ::= "{{\"nonce\":\"{nonce}\",\"evidence\":[" places "],\"reason\":" text rest',
            r'rest ::= ",\"verdict\":" verdict ",\"confidence\":" percent "}"',
            rf'places ::= (place ("," place){{0,{MAX_EVIDENCE - 1}}})?',
            r'place ::= "{\"file\":" text ",\"first_line\":" number ",\"last_line\":" number quote',
            r'quote ::= ",\"quote\":" text "}"',
            rf'text ::= "\"" char{{0,{MAX_QUOTE}}} "\""',
            r'char ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})',
            r"number ::= [1-9] [0-9]{0,5}",
            r'percent ::= "100" | [1-9]? [0-9]',
            f"verdict ::= {verdicts}",
        )
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _without_thoughts(text: str) -> str:
    """Return what follows the thinking part that some models begin with."""
    if not text.lstrip().startswith("<think>"):
        return text
    return text.partition("</think>")[2]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
