"""Cross-site scripting: a value that becomes markup, in the answer or in a page that is shown later."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from batchnb.analyzers.dast.checks.trial import around, marker
from batchnb.analyzers.dast.markup import became_markup, in_script, read

if TYPE_CHECKING:
    from batchnb.analyzers.dast.checks.trial import Trial

# {0} is a new word each time: it must come out as an element or as an attribute of that name.
_PAYLOADS = (
    "<{0}>",
    "\"'><{0}>",
    '"{0}="1',
    "'{0}='1",
    "x {0}=1",
    "</title></textarea></script></style></noscript>--><{0}>",
    "javascript:{0}",
)


def check_reflected(trial: Trial) -> None:
    """First a harmless word, to see whether it comes out in a page at all; then what would break out."""
    word = marker()
    plain = trial.send(word)
    if not plain.is_markup or word not in plain.body:
        return
    for form in _PAYLOADS:
        name = marker()
        value = form.format(name)
        response = trial.send(value)
        how = became_markup(response.body, name) if response.is_markup else ""
        if how:
            evidence = around(re.escape(name), response.body)
            trial.hit("reflected-xss", f"the value becomes {how} of the page", value, evidence)
            return
    _check_script(trial, word, plain.body)


def _check_script(trial: Trial, word: str, page: str) -> None:
    """A value inside a script: can it end the string that it stands in?"""
    quote = in_script(read(page).scripts, word)
    if not quote:
        return
    name = marker()
    value = f"{name}{'' if quote == 'code' else quote};{name}()//"
    response = trial.send(value)
    scripts = read(response.body).scripts if response.is_markup else []
    if any(value in script for script in scripts) and in_script(scripts, name) == quote:
        what = f"the value leaves {'its place' if quote == 'code' else 'its string'} in a script of the page"
        trial.hit("reflected-xss", what, value, around(re.escape(value), response.body))


def stored_value(word: str) -> str:
    """Return a text that shows as an element of this name where it is shown without escaping."""
    return f"{word} <{word}>"


def shown_in(page: str, word: str) -> str:
    """Return the part of a page where the kept word became an element; nothing if it did not."""
    if word not in html.unescape(page) or not became_markup(page, word):
        return ""
    return around(re.escape(f"<{word}"), page)
