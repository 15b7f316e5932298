"""Values that are run: by a template engine, by the language's eval, by a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchnb.analyzers.dast.checks.trial import DELAY, around, marker, numbers

if TYPE_CHECKING:
    from batchnb.analyzers.dast.checks.trial import Trial

_TEMPLATES = ("{{%d*%d}}", "${%d*%d}", "<%%= %d*%d %%>", "#{%d*%d}", "{%d*%d}")
# Numbers that only code can make: a calculator that knows arithmetic and nothing else fails on these.
_EXPRESSIONS = (
    "len('a'.zfill(%d))*%d",
    "'a'.padStart(%d).length*%d",
)
_COMMANDS = (";%s", "|%s", "&& %s", "$(%s)", "`%s`", "\n%s\n", "';%s;'", '";%s;"', "||%s")
_WAITS = (";%s;", "|%s", "$(%s)", "';%s;'", '";%s;"')


def check_templates(trial: Trial) -> None:
    """A product in the syntax of a template engine must come out computed, twice, with other numbers."""
    for form in _TEMPLATES:
        if all(_computed(trial, form) for _ in range(2)):
            value, product = _template(form)
            seen = around(product, trial.send(value).body)
            trial.hit("template-injection", "the value is rendered as a template", value, seen)
            return


def _template(form: str) -> tuple[str, str]:
    (first, second), word = numbers(), marker()
    return f"{word}{form % (first, second)}{word}", f"{word}{first * second}{word}"


def _computed(trial: Trial, form: str) -> bool:
    value, product = _template(form)
    return product in trial.send(value).body


def check_evaluation(trial: Trial) -> None:
    """A call on a string literal must come out computed, twice; arithmetic alone would prove no harm."""
    for form in _EXPRESSIONS:
        seen = ""
        for _ in range(2):
            first, second = numbers()
            value, product = form % (first, second), str(first * second)
            seen = around(product, trial.send(value).body)
            if not seen:
                break
        if seen:
            trial.hit("code-injection", "the value is evaluated as code", value, seen)
            return


def check_commands(trial: Trial) -> None:
    """An `echo` with a sum that only a shell computes must come out, twice; else a `sleep` must be felt."""
    for form in _COMMANDS:
        seen = value = ""
        for _ in range(2):
            (first, second), word = numbers(), marker()
            value = trial.plain + form % f"echo {word}$(({first}*{second})){word}"
            seen = around(f"{word}{first * second}{word}", trial.send(value).body)
            if not seen:
                break
        if seen:
            trial.hit("command-injection", "a shell runs the value", value, seen)
            return
    for form in _WAITS:
        slow, twin = (trial.plain + form % f"sleep {seconds}" for seconds in (DELAY, 0))
        seen = trial.waits(slow, twin)
        if seen:
            trial.hit("command-injection-time", "the value makes a shell wait", slow, seen)
            return
