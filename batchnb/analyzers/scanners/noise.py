"""Rules of bandit and ruff that fire in nearly every app and seldom matter: kept, but marked as noise.

bandit and ruff share the numbers, so one table does for both. A rule is here if its finding alone never tells
a faulty app from a sound one; a rule that is merely imprecise is not.
"""

from __future__ import annotations

_IMPORT = "the import alone does nothing; what is done with it has rules of its own"
_NUMBERS = {
    "101": "an assert is a weakness only where it guards something and Python runs with -O",
    "104": "0.0.0.0 is how a server in a container has to listen; 262 of bandit's 328 findings on 270 apps",
    "311": "most random numbers are not secrets; which are, the rule cannot tell",
    **{str(number): _IMPORT for number in (*range(401, 414), 415)},
    "603": "says that a program is started without a shell, which is the right way",
    "606": "says that a program is started without a shell, which is the right way",
    "607": "a program is looked up on PATH, as usual; a weakness only if others can set PATH",
}
_NOISE = {f"{letter}{number}": why for number, why in _NUMBERS.items() for letter in "BS"}


def why_noise(rule: str) -> str:
    """Return why findings of a rule of bandit or ruff (B104, S104) count as noise; empty: they do not."""
    return _NOISE.get(rule, "")


def tags_of(rule: str) -> tuple[str, ...]:
    """Return the marks for a finding of a rule of bandit or ruff."""
    return ("noise",) if rule in _NOISE else ()
