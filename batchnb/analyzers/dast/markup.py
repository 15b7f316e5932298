"""Reading pages: links and forms, and whether a marker of ours became markup."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_Attributes = list[tuple[str, str | None]]
# Elements whose content a browser takes as text, whatever tags seem to be in it.
_TEXT_ONLY = frozenset({"title", "textarea", "iframe", "noembed", "noframes", "noscript", "xmp", "plaintext"})
_LINKS = {"a": "href", "iframe": "src", "frame": "src", "area": "href"}
_URL_ATTRIBUTES = frozenset({"href", "src", "action", "formaction"})
_SCRIPT_TYPES = frozenset({"", "module", "text/javascript", "application/javascript"})
MAX_ITEMS = 200
MAX_PAGE = 256 * 1024


@dataclass(kw_only=True, slots=True)
class Form:
    """A form of a page."""

    action: str
    method: str
    fields: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects links, forms, and the elements and attributes that carry a marker."""

    def __init__(self, marker: str) -> None:
        super().__init__(convert_charrefs=True)
        self.marker = marker
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.hits: list[str] = []
        self.scripts: list[str] = []
        self._text_only = ""
        self._script = False

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        if self._text_only:
            return
        self._look(tag, attrs)
        known = {name: value or "" for name, value in attrs}
        if tag in _TEXT_ONLY:
            self._text_only = tag
        self._script = tag == "script" and known.get("type", "") in _SCRIPT_TYPES
        if tag in _LINKS and _LINKS[tag] in known and len(self.links) < MAX_ITEMS:
            self.links.append(known[_LINKS[tag]])
        elif tag == "form" and len(self.forms) < MAX_ITEMS:
            self.forms.append(Form(action=known.get("action", ""), method=known.get("method", "get").upper()))
        elif tag in {"input", "textarea", "select"} and self.forms and known.get("name"):
            names = self.forms[-1].files if known.get("type") == "file" else self.forms[-1].fields
            names.append(known["name"])

    def handle_startendtag(self, tag: str, attrs: _Attributes) -> None:
        if not self._text_only:
            self._look(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._text_only:
            self._text_only = ""
        if tag == "script":
            self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and len(self.scripts) < MAX_ITEMS:
            self.scripts.append(data)

    # What is never closed ends with the page, as in a browser. The library looks for the end again and again
    # instead, which takes minutes for a page that is made for it, and gives up on some declarations.

    def parse_comment(self, i: int, report: int = 1) -> int:  # noqa: ARG002 - the library's signature
        return self._after("-->", i + 4)

    def parse_html_declaration(self, i: int) -> int:
        return self._after(">", i + 2)

    def parse_pi(self, i: int) -> int:
        return self._after(">", i + 2)

    def parse_starttag(self, i: int) -> int:
        return super().parse_starttag(i) if self.rawdata.find(">", i) >= 0 else len(self.rawdata)

    def parse_endtag(self, i: int) -> int:
        return super().parse_endtag(i) if self.rawdata.find(">", i) >= 0 else len(self.rawdata)

    def _after(self, end: str, start: int) -> int:
        at = self.rawdata.find(end, start)
        return len(self.rawdata) if at < 0 else at + len(end)

    def _look(self, tag: str, attrs: _Attributes) -> None:
        if not self.marker:
            return
        if tag == self.marker:
            self.hits.append("a new element")
        for name, value in attrs:
            if name == self.marker:
                self.hits.append(f"a new attribute of <{tag}>")
            elif name in _URL_ATTRIBUTES and (value or "").strip().lower() == f"javascript:{self.marker}":
                self.hits.append(f"a javascript: address in <{tag} {name}>")


def read(page: str, marker: str = "") -> _Reader:
    """Parse a page; `marker` is a lower-case name to look for as an element, attribute or script address."""
    reader = _Reader(marker)
    reader.feed(page[:MAX_PAGE])
    reader.close()
    return reader


def became_markup(page: str, marker: str) -> str:
    """Return how `marker` became markup of the page; empty if it did not."""
    return next(iter(read(page, marker).hits), "")


def in_script(scripts: Sequence[str], start: str) -> str:
    """Return how a value that begins with `start` could be left inside a script.

    Returns:
        The quote of the string that it stands in, "code" if it stands in no string, empty if it is in no
        script.
    """
    for text in scripts:
        at = text.find(start)
        if at >= 0:
            return _open_quote(text[:at]) or "code"
    return ""


def _open_quote(text: str) -> str:
    """Return the quote character of the string literal that is still open at the end of `text`."""
    quote, skip = "", False
    for char in text:
        if skip:
            skip = False
        elif quote and char == "\\":
            skip = True
        elif quote and (char == quote or (char == "\n" and quote != "`")):
            quote = ""
        elif not quote and char in "'\"`":
            quote = char
    return quote
