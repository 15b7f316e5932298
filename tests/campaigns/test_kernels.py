"""What becomes of running tool trees when a real kernel is killed, restarted, shut down, or Stopped."""

from __future__ import annotations

import sys
from collections import defaultdict
from contextlib import closing
from itertools import cycle

import pytest
from hostile import Payload, spread
from support import wait_until

pytest.importorskip("ipykernel")

from kernels import Kernel, Tools, in_session

pytestmark = [
    pytest.mark.xdist_group("campaigns"),  # one at a time: they measure
    pytest.mark.skipif(sys.platform != "linux", reason="there is no subreaper"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

KINDS = ("tree", "deaf", "masked", "stopped", "mob")
BOUND = 1.0
"""Seconds after which nothing of a dead kernel's tools may be alive."""
ROUNDS_OF_A_LIFE = 3


def outlive_stop(kernel, tools):
    """Press Stop while a cell runs; every process of the tools must live on, and the kernel answer."""
    before = tools.processes()
    sent = kernel.send("import time; print('asleep', flush=True); time.sleep(60)")
    kernel.begun(sent)
    kernel.stop()
    reply, _ = kernel.reply(sent)

    assert reply["ename"] == "KeyboardInterrupt"
    assert kernel.value("print(1 + 1)") == "2"
    assert kernel.value("kernel_owner.say_answers()") == "0"
    assert tools.all_alive()
    steady = {pid for pid in before if pid in tools.processes()}
    assert len(before - steady) <= len(("hop", "mob")), "only what hops may have another process id"


def die(tools, kernel, end):
    """End the kernel by `end` and return the seconds that its tools outlived it."""
    assert tools.all_alive()
    end()
    seconds = tools.seconds_to_die(BOUND)

    assert seconds is not None, f"alive after {BOUND} s: {tools.processes()}"
    assert wait_until(lambda: not in_session(tools.warden)), "the warden or a guard lives on"
    assert wait_until(lambda: not list(kernel.scratch.iterdir())), "a scratch folder was left"
    return seconds


def campaign(size, folder, figures):
    """Give `size` kernels a life: Stop, a restart, and then a kill or a shutdown, each with running trees."""
    took = defaultdict(list)
    ends = cycle([("kill -9", Kernel.kill), ("shutdown", Kernel.shut_down)])
    for number, (end, act) in zip(range(size), ends, strict=False):
        now = number % 4 > 1
        with closing(Kernel(folder / str(number))) as kernel:
            tools = Tools(kernel, KINDS)
            outlive_stop(kernel, tools)
            took["restart at once" if now else "restart"].append(
                die(tools, kernel, lambda: kernel.restart(now=now))  # noqa: B023 - called at once
            )
            kernel.reconnect()
            took[end].append(die(Tools(kernel, KINDS), kernel, lambda: act(kernel)))  # noqa: B023
    figures("kernels that were Stopped, all tools alive", size)
    for what, seconds in sorted(took.items()):
        figures(f"{what}, times", len(seconds))
        figures(f"{what}: until the last process was dead, max", spread(seconds)["max"], "ms")


def test_tools_outlive_stop_and_nothing_else(tmp_path, figures):
    campaign(2, tmp_path, figures)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_ends_of_kernels(tmp_path, figures):
    campaign(-(-100 // ROUNDS_OF_A_LIFE), tmp_path, figures)


def test_stop_ends_the_tool_that_the_main_thread_waits_for(tmp_path):
    """The cell that calls a tool itself is interrupted, and by then the whole tree is dead."""
    payload = Payload(tmp_path, "payload", "main-thread")
    with closing(Kernel(tmp_path / "kernel")) as kernel:
        sent = kernel.send(f"import kernel_owner; kernel_owner.run({payload.command('tree')!r}, 50)")
        assert payload.stands("tree")
        kernel.stop()
        reply, _ = kernel.reply(sent)
        alive = payload.is_alive()

        assert reply["ename"] == "KeyboardInterrupt"
        assert not alive
        assert kernel.value("print(1 + 1)") == "2"
        assert kernel.value("kernel_owner.say_answers()") == "0"
