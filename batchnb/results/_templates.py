"""The one Jinja environment: everything is escaped for HTML and freed of invisible characters on output."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from batchnb.results.text import duration, shorten
from batchnb.tools.text import visible


def render(template: str, /, **values: Any) -> str:
    """Return the named template filled with `values`; every text among them is untrusted."""
    return _environment().get_template(template).render(**values)


def asset(name: str) -> Markup:
    """Return one of our own files beside the templates (a style sheet or a script) as trusted text."""
    text = files("batchnb.results").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - ours, and it must not be escaped inside <style> and <script>


def script(source: str) -> tuple[Markup, str]:
    """Return `source` for a script element, and the word that allows exactly it in a security policy.

    Raises:
        ValueError: if the source would end its own element.
    """
    if "</script" in source.lower() or "<!--" in source:
        raise ValueError("the script holds text that would end its element")
    digest = hashlib.sha256(source.encode("utf-8")).digest()
    return Markup(source), f"'sha256-{base64.b64encode(digest).decode('ascii')}'"  # noqa: S704 - ours


def json_data(value: str) -> Markup:
    """Return JSON text for a `<script type="application/json">`: no character can end the element."""
    for char in "<>&\u2028\u2029":
        value = value.replace(char, f"\\u{ord(char):04x}")
    return Markup(value)  # noqa: S704 - the JSON's meaning is unchanged, and no markup is left


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("batchnb.results"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters.update(cap=_cap, utc=_utc, duration=_duration, count=_count, as_json=_as_json)
    return environment


def _finalize(value: Any) -> Any:
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cap(text: str, limit: int) -> str:
    return shorten(visible(text), limit)


def _utc(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _count(number: int) -> str:
    return f"{number:,}"


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str)
