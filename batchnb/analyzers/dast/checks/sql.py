"""SQL injection: by a condition that decides the answer, by a quote that breaks the statement, by time."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from batchnb.analyzers.dast.checks.trial import DELAY, around, comparable, marker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchnb.analyzers.dast.checks.trial import Trial
    from batchnb.analyzers.dast.exchange import Response

# What databases and their drivers say about a statement that is no SQL. FTS5's own complaints about a search
# expression are left out: they come without any injection.
_MESSAGES = re.compile(
    r"""(?<!fts5:\ )near\ \\?"[^"\\]{0,80}\\?":\ syntax\ error
    | unrecognized\ token:\ \\?["'] | SQLITE_ERROR
    | You\ have\ an\ error\ in\ your\ SQL\ syntax | syntax\ error\ at\ or\ near | unterminated\ quoted\ string
    | Unclosed\ quotation\ mark | quoted\ string\ not\ properly\ terminated | ORA-0\d{4} | SQLSTATE\[
    | (psycopg2?|asyncpg)\.(errors|exceptions)\.\w*Syntax | SequelizeDatabaseError""",
    re.VERBOSE,
)
_PG_SLEEP = "SELECT 1 FROM pg_sleep({})"
_FEW_ROWS, _MOST_ROWS = 1_000_000, 60_000_000
_FELT_SECONDS = 0.04


def check(trial: Trial) -> None:
    """Try the ways in order of the strength of their proof; report at most one."""
    _ = _by_condition(trial) or _by_message(trial) or _by_quotes(trial) or _by_time(trial)


def _by_condition(trial: Trial) -> bool:
    return any(_decides(trial, *forms) for forms in _conditions(trial.plain))


def _conditions(plain: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield a true and a false condition, the same once more in other words, and a twin that is no SQL."""
    none = marker()
    for quote in ("'", '"'):
        start = f"{none}{quote} OR {quote}"
        yield (
            f"{start}a{quote} LIKE {quote}a",
            f"{start}a{quote} LIKE {quote}b",
            f"{start}kx{quote} LIKE {quote}kx",
            f"{start}kx{quote} LIKE {quote}ky",
            f"{none}{quote} XQ {quote}a{quote} LIKE {quote}a",
        )
    for start in (f"{none}'", f"{none}')", f"{none}'))", f'{none}"', "-7391", "-7391)"):
        yield (
            f"{start} OR 5=5-- x",
            f"{start} OR 5=6-- x",
            f"{start} OR 73<91-- x",
            f"{start} OR 73>91-- x",
            f"{start} XQ 5=5-- x",
        )
    start = plain if plain.isdecimal() else f"{plain}'"
    tail = "" if plain.isdecimal() else " AND 'x'='x"
    yield (
        f"{start} AND 5=5{tail}",
        f"{start} AND 5=6{tail}",
        f"{start} AND 73<91{tail}",
        f"{start} AND 73>91{tail}",
        f"{start} XQ 5=5{tail}",
    )


def _decides(trial: Trial, true: str, false: str, true_again: str, false_again: str, twin: str) -> bool:
    yes = comparable(trial.send(true), true)
    if not 0 < yes[0] < 500:
        return False
    no = comparable(trial.send(false), false)
    if yes == no:
        return False
    for value, expected in ((true, yes), (true_again, yes), (false, no), (false_again, no)):
        if comparable(trial.send(value), value) != expected:
            return False
    if comparable(trial.send(twin), twin) == yes:  # what is no SQL must not be taken as a true condition
        return False
    seen = f"true: status {yes[0]}, {len(yes[1])} characters; false: status {no[0]}, {len(no[1])} characters"
    trial.hit("sqli-boolean", "a condition in the value decides the answer", true, f"{seen}\n{yes[1]}")
    return True


def _by_message(trial: Trial) -> bool:
    for broken in (f"{trial.plain}'", f'{trial.plain}"', f"{trial.plain}')"):
        found = _message(trial.send(broken))
        if not found or _message(trial.send(f"{trial.plain}q")) or not _message(trial.send(broken)):
            continue
        trial.hit("sqli-error", "a quote in the value brings an error of the database", broken, found)
        return True
    return False


def _message(response: Response) -> str:
    return around(_MESSAGES, html.unescape(response.body))


def _by_quotes(trial: Trial) -> bool:
    """Odd numbers of quotes fail, even ones and a concatenation of SQL do not: no other language is so."""
    plain = trial.plain
    fails = (f"{plain}'", f"{plain}'''", f"{plain}'|||'x")
    passes = (f"{plain}''", f"{plain}'||'x", f"{plain}q")
    for _ in range(2):
        for value in (*fails, *passes):
            status = trial.send(value).status
            if (status < 500) if value in fails else not (0 < status < 500):
                return False
    what = "one quote in the value is an error of the server, two quotes or a concatenation are none"
    trial.hit("sqli-error", what, fails[0], f"status 5xx for {fails!r}, none for {passes!r}")
    return True


def _by_time(trial: Trial) -> bool:
    for shape, slow, fast in _delays(trial):
        value = shape.format(slow)
        seen = trial.waits(value, shape.format(fast))
        if seen:
            trial.hit("sqli-time", "the value makes the database wait", value, seen)
            return True
    return False


def _delays(trial: Trial) -> Iterator[tuple[str, str, str]]:
    """Yield a payload, what makes it wait, and what does not: its twin is the same but for the time."""
    plain = trial.plain
    number = plain if plain.isdecimal() else "1"
    for shape in (f"{plain}'||{{}}||'", f"{number} OR {{}}<0"):  # SQLite
        rows = _rows(trial, shape)
        if rows:
            yield shape, _counting(rows), _counting(1)
    for shape in (f"{plain}'||({_PG_SLEEP})||'", f"{number} OR 2=({_PG_SLEEP})"):  # PostgreSQL
        yield shape, str(DELAY), "0"
    for shape in (f"{plain}' OR SLEEP({{}}) OR 'a'='b", f"{number} OR SLEEP({{}})"):  # MySQL
        yield shape, str(DELAY), "0"


def _rows(trial: Trial, shape: str) -> int:
    """Return how many rows SQLite has to count to be slow; 0 if counting some made no difference."""
    more = trial.send(shape.format(_counting(_FEW_ROWS))).seconds - trial.usual_seconds()
    if more < _FELT_SECONDS:
        return 0
    return min(_MOST_ROWS, int(_FEW_ROWS * 1.5 * DELAY / more))


def _counting(rows: int) -> str:
    """Return an expression of SQLite, which cannot sleep, that counts rows; it needs no memory."""
    start = "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT "
    return start + str(rows) + ") SELECT count(*) FROM c)"  # noqa: S608 - a payload; it is meant to
