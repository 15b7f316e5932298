"""Installing our own tools: one call, as often as one likes."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.kit.finding import node, path_of, place
from batchnb.tools.kit.parts import Part, Source, choose, part_named
from batchnb.tools.kit.recipes import Kitchen, NotInstalledError
from batchnb.tools.making import BusyError, building, made_by_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

SECONDS = 1_800.0
"""How long an installation may take unless told otherwise."""


class State(enum.StrEnum):
    """How the installation of a part ended."""

    INSTALLED = "installed"
    THERE = "already there"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one part."""

    name: str
    state: State
    path: Path | None = None
    """As `find` returns it; None: it is not there."""
    detail: str = ""
    """Why it failed."""


def install(
    names: Iterable[str] | None = None,
    *,
    progress: Callable[[str], None] | None = None,
    seconds: float = SECONDS,
    cancel: CancelToken | None = None,
) -> tuple[Outcome, ...]:
    """Install parts into the tools folder; one that is there already is left alone.

    Where the system has no Node that is new enough, Node comes before the parts that need it. A part that
    fails leaves nothing behind and does not keep the others from being installed. Any number of processes
    may do this at once.

    Args:
        names: parts by name, "all" for every one; None: the default ones.
        progress: called with a line of text whenever something begins or ends.
        seconds: for all of it together.
        cancel: stops it.

    Returns:
        What became of each part.

    Raises:
        UnknownNameError: if a name is not in the table.
    """
    say = progress or (lambda _: None)
    deadline, cancel = Deadline.after(seconds), cancel or CancelToken()
    outcomes = []
    for part in _with_node(choose(names)):
        outcome = _install(part, say, deadline, cancel)
        say(f"{part.name} {part.version}: {outcome.state}{': ' if outcome.detail else ''}{outcome.detail}")
        outcomes.append(outcome)
    return tuple(outcomes)


def _with_node(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Put Node first if it is asked for, or needed and nowhere to be found."""
    ours = part_named("node")
    others = tuple(part for part in parts if part != ours)
    wanted = ours in parts or (any(map(_needs_node, others)) and node() is None)
    return (ours, *others) if wanted else others


def _needs_node(part: Part) -> bool:
    """Whether a part needs Node: to run, or only to be fetched."""
    return part.source is Source.NPM_LOCK or (part.source is Source.NPM_PACKAGE and path_of(part) is None)


def _install(part: Part, say: Callable[[str], None], deadline: Deadline, cancel: CancelToken) -> Outcome:
    there = path_of(part)
    if there is not None:
        return Outcome(name=part.name, state=State.THERE, path=there)
    try:
        with made_by_one(place(part), deadline, cancel):
            there = path_of(part)  # another process may just have made it
            if there is not None:
                return Outcome(name=part.name, state=State.THERE, path=there)
            say(f"{part.name} {part.version}: installing, about {part.mib} MiB")
            with building(place(part)) as made:
                Kitchen(deadline, cancel).make(part, made, place(part))
    except BusyError:
        busy = "another process is still installing it"
        return Outcome(name=part.name, state=State.FAILED, detail=busy)
    except (NotInstalledError, OSError) as error:
        return Outcome(name=part.name, state=State.FAILED, detail=str(error))
    return Outcome(name=part.name, state=State.INSTALLED, path=path_of(part))
