"""Comments that ask tools to be silent: unreadable afterwards, told of by line, in linear time."""

import time

import pytest

from batchnb.tools.suppression import blunt

CAP = 4_096


def test_what_is_no_such_comment_stays_as_it_is():
    assert blunt(b"x = 1  # nosecond\n") == (b"x = 1  # nosecond\n", ())


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb()  # nosec\n", (2,)),
        (b"# nosemgrep: x\nb()  # noqa\n", (1, 2)),
        (b"// eslint-disable-next-line no-eval\neval(x)\n", (2,)),
        (b"a\n/* eslint-disable */\n", (0,)),
        (b"// @ts-nocheck\nx  // @ts-ignore\n", (0, 3)),
        (b"a\r\nb  # NOSEC\r\n", (2,)),
    ],
)
def test_the_lines_that_it_speaks_of(content, lines):
    blunted, told = blunt(content)

    assert told == lines
    assert len(blunted) == len(content)
    assert blunted.count(b"\n") == content.count(b"\n")
    assert blunt(blunted) == (blunted, ())


def test_lines_are_right_over_many():
    """As many as may be, some on one line, with lines between them that ask for nothing."""
    content, wanted = bytearray(), []
    for number in range(1, CAP // 2 + 1):
        wanted.append(2 * number)
        content += b"\n" + b"x()  # nosec  # noqa: S%d\n" % number

    blunted, told = blunt(bytes(content))

    assert told == tuple(wanted)
    assert b"nosec" not in blunted
    assert b"noqa" not in blunted


def test_over_the_cap_it_is_the_whole_file():
    at_most = b"x()  # nosec\n" * CAP

    assert blunt(at_most)[1] == tuple(range(1, CAP + 1))
    blunted, told = blunt(at_most + b"y()  # nosec\n")
    assert told == (0,)
    assert b"nosec" not in blunted, "also behind the cap"


@pytest.mark.parametrize("end", [b" ", b"\n", b""])
def test_a_megabyte_of_them_takes_no_time(end):
    """One after the other, on one line or on many: as on a page that is made to be slow."""
    word = b"nosec" + end if end else b"eslint-disable"
    content = word * ((1 << 20) // len(word))

    started = time.process_time()
    blunted, told = blunt(content)

    assert time.process_time() - started < 2  # alone: 0.2 s
    assert told == (0,)
    assert (len(blunted), word.strip() in blunted) == (len(content), False)
