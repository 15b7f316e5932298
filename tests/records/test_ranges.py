import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchnb.records import format_app_range, parse_app_range
from batchnb.records.errors import AppRangeError, InvalidValueError

NUMBERS = st.integers(1, 999_999)
CLOSE_NUMBERS = st.integers(1, 60)


@given(st.sets(CLOSE_NUMBERS, min_size=1) | st.sets(NUMBERS, min_size=1))
def test_what_is_written_is_read_back(numbers):
    assert parse_app_range(format_app_range(numbers)) == tuple(sorted(numbers))


@given(st.sets(CLOSE_NUMBERS, min_size=1))
def test_the_text_is_the_shortest(numbers):
    """One part for each run of neighbours: no part could be merged with the next."""
    runs = sum(number - 1 not in numbers for number in numbers)

    assert len(format_app_range(numbers).split(",")) == runs


@given(st.lists(st.tuples(CLOSE_NUMBERS, st.integers(0, 9)), min_size=1), st.sampled_from(["", " ", "\t "]))
def test_parts_may_overlap_repeat_and_be_spaced(parts, space):
    text = f"{space},{space}".join(f"{low}{space}-{space}{low + more}" for low, more in parts)
    expected = {number for low, more in parts for number in range(low, low + more + 1)}

    assert parse_app_range(f"{space}{text}{space}") == tuple(sorted(expected))


@given(st.text())
def test_any_text_is_a_range_or_an_error_that_points_into_it(text):
    try:
        numbers, error = parse_app_range(text, "the form"), None
    except AppRangeError as refused:
        numbers, error = (), refused

    if error is None:
        assert numbers
        assert all(1 <= number <= 999_999 for number in numbers)
    else:
        assert text[error.position : error.position + len(error.part)] == error.part
        assert repr(text) in str(error)
        assert "(from the form)" in str(error)


def test_the_example_of_the_specification():
    assert parse_app_range("1-3,5,8") == (1, 2, 3, 5, 8)
    assert format_app_range([8, 5, 3, 2, 1, 1]) == "1-3,5,8"
    assert format_app_range([]) == ""


@pytest.mark.parametrize(
    ("text", "part", "position", "reason"),
    [
        ("1-3,x", "x", 4, "is not a number or a range such as 2-4"),
        ("1-3, 4-", "4-", 5, "is not a number or a range such as 2-4"),
        ("-3", "-3", 0, "is not a number or a range such as 2-4"),
        ("1-2-3,4", "1-2-3", 0, "is not a number or a range such as 2-4"),
        ("1,,2", "", 2, "is empty"),
        ("", "", 0, "is empty"),
        ("1,", "", 2, "is empty"),
        ("5, 3-1", "3-1", 3, "runs downwards (3 to 1)"),
        ("0", "0", 0, "is not within 1-999999"),
        ("1-1000000", "1-1000000", 0, "is not within 1-999999"),
        ("1.5", "1.5", 0, "is not a number or a range such as 2-4"),
        ("\u0661", "\u0661", 0, "is not a number or a range such as 2-4"),
        ("\u00b2", "\u00b2", 0, "is not a number or a range such as 2-4"),
    ],
)
def test_an_error_names_the_value_the_part_the_place_and_the_source(text, part, position, reason):
    with pytest.raises(AppRangeError) as caught:
        parse_app_range(text, "apps")

    error, lines = caught.value, str(caught.value).split("\n")
    assert (error.value, error.part, error.position, error.source) == (text, part, position, "apps")
    assert isinstance(error, InvalidValueError)
    assert lines == [
        (
            f"app range {text!r} (from apps) is not valid: {part!r} at position {position + 1} {reason}; "
            "write numbers and ranges such as 1-3,5,8"
        ),
        f"  {text}",
        "  " + " " * position + "^" * max(1, len(part)),
    ]


def test_text_that_would_move_the_pointer_is_not_drawn():
    with pytest.raises(AppRangeError) as caught:
        parse_app_range("1,\x1b[31m2")

    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_range_that_asks_for_too_much_is_refused_before_it_is_counted():
    with pytest.raises(AppRangeError):
        parse_app_range("1-" + "9" * 5_000)
