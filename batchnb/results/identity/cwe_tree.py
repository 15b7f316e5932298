"""The Common Weakness Enumeration as a tree: names, ancestors, and the OWASP Top 10 of 2021.

The data are MITRE's (`cwe.json`, made by `scripts/make_cwe_tree.py`; version and licence are in it): the
weaknesses with their parents in the research view (CWE-1000), and the view CWE-1344, which assigns weaknesses
to the ten categories of OWASP.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_SHORT = re.compile(r"\('(.+)'\)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tree:
    version: str
    names: dict[int, str]
    levels: dict[int, str]
    """pillar, class, base, variant or compound; a category has none."""
    parents: dict[int, tuple[int, ...]]
    """The primary parent first."""
    owasp: dict[int, str]


@cache
def _tree() -> _Tree:
    data = json.loads(files("batchnb.results.identity").joinpath("cwe.json").read_text(encoding="utf-8"))
    weaknesses = {int(number): entry for number, entry in data["weaknesses"].items()}
    categories = {int(number): text for number, text in data["categories"].items()}
    return _Tree(
        version=data["version"],
        names={**categories, **{number: entry[0] for number, entry in weaknesses.items()}},
        levels={number: entry[1] for number, entry in weaknesses.items()},
        parents={number: tuple(entry[2]) for number, entry in weaknesses.items()},
        owasp={number: title for title, numbers in data["owasp_2021"].items() for number in numbers},
    )


def version() -> str:
    """Return the version of the CWE list, such as `4.15`."""
    return _tree().version


def name(cwe: int) -> str | None:
    """Return the name of a weakness or category; None: the list does not have that number."""
    return _tree().names.get(cwe)


def title(cwe: int) -> str:
    """Return number and short name, such as `CWE-89 SQL Injection`; the number alone if it is unknown.

    Short is what the list itself puts in quotes behind a long name.
    """
    found = name(cwe) or ""
    short = _SHORT.search(found)
    return f"CWE-{cwe} {short[1] if short else found}".rstrip()


@cache
def ancestors(cwe: int) -> tuple[int, ...]:
    """Return what a weakness is a kind of, nearest first, up to its pillars; empty for an unknown number."""
    parents = _tree().parents
    found: dict[int, None] = {}
    level = list(parents.get(cwe, ()))
    while level:
        found |= dict.fromkeys(level)
        level = [up for number in level for up in parents.get(number, ()) if up not in found]
    return tuple(found)


@cache
def related(one: int, other: int) -> bool:
    """Whether two weaknesses may be two words for one fault.

    They are the same, or one is a kind of the other, or they have a parent in common; a pillar is too
    wide to count, as ancestor or as parent.
    """
    if one == other:
        return True
    levels, parents = _tree().levels, _tree().parents
    up, up_other = set(ancestors(one)), set(ancestors(other))
    shared = {*parents.get(one, ())} & {*parents.get(other, ())}
    if one in up_other:
        shared.add(one)
    if other in up:
        shared.add(other)
    return any(levels.get(number) != "pillar" for number in shared)


@cache
def owasp_top10(cwe: int) -> str | None:
    """Return the category in the OWASP Top 10 of 2021, such as `A03:2021 Injection`.

    A weakness that the view CWE-1344 does not list counts where its nearest listed ancestor does. None:
    neither it nor any ancestor is listed.
    """
    owasp = _tree().owasp
    return next((owasp[number] for number in (cwe, *ancestors(cwe)) if number in owasp), None)


def owasp_categories() -> tuple[str, ...]:
    """Return the ten categories, A01 to A10."""
    return tuple(sorted(set(_tree().owasp.values())))
