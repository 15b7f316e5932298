"""The palette as eyes see it: Viénot-style matrices in linear light, distances in CIE Lab (1976)."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from batchnb.records import Severity
from batchnb.results.drawing.style import (
    GREY,
    HEAT_COLOURS,
    HEAT_INKS,
    MET_COLOUR,
    MET_INK,
    SEVERITY_COLOURS,
    SEVERITY_PATTERNS,
    SHARE_COLOURS,
    SHARE_INKS,
    TEXT_COLOURS,
    UNMET_COLOUR,
    UNMET_INK,
    plotly_text,
)

# Machado, Oliveira and Fernandes (2009), severity 1.0.
SIGHTS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "grey": ((0.2126, 0.7152, 0.0722),) * 3,
}


def linear(colour):
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def seen(rgb, sight):
    rows = SIGHTS[sight]
    return [min(1, max(0, sum(w * c for w, c in zip(row, rgb, strict=True)))) for row in rows]


def lab(rgb):
    to_xyz = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(w * c for w, c in zip(row, rgb, strict=True)) for row in to_xyz]
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (value / white for value, white in zip(xyz, (0.9505, 1, 1.089), strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def contrast(one, other):
    light, dark = sorted(
        (sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (one, other)),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


def distance(one, other, sight):
    pair = (lab(seen(linear(colour), sight)) for colour in (one, other))
    return sum((a - b) ** 2 for a, b in zip(*pair, strict=True)) ** 0.5


@pytest.mark.parametrize("sight", [name for name in SIGHTS if name != "grey"])
def test_severities_stay_apart_for_every_eye(sight):
    for one, other in combinations(SEVERITY_COLOURS.values(), 2):
        assert distance(one, other, sight) > 30, (one, other)


def test_patterns_keep_them_apart_where_only_grey_is_left():
    assert len(set(SEVERITY_PATTERNS.values())) == len(Severity)


@pytest.mark.parametrize("paper", ["#FFFFFF", "#111111"])
def test_grey_is_readable_on_both_papers(paper):
    assert contrast(GREY, paper) >= 4


@pytest.mark.parametrize("severity", Severity)
def test_numbers_are_readable_inside_the_bars(severity):
    assert contrast(TEXT_COLOURS[severity], SEVERITY_COLOURS[severity]) >= 4.5


@pytest.mark.parametrize(
    ("ink", "fill"),
    [
        *zip(HEAT_INKS, HEAT_COLOURS, strict=True),
        *zip(SHARE_INKS, SHARE_COLOURS, strict=True),
        (MET_INK, MET_COLOUR),
        (UNMET_INK, UNMET_COLOUR),
    ],
)
def test_marks_are_readable_inside_the_cells(ink, fill):
    assert contrast(ink, fill) >= 4.5


@pytest.mark.parametrize("scale", [HEAT_COLOURS, SHARE_COLOURS], ids=["heat", "share"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_more_is_darker_for_every_eye(scale, sight):
    lightness = [lab(seen(linear(colour), sight))[0] for colour in scale]
    assert all(one - other > 10 for one, other in pairwise(lightness))


@pytest.mark.parametrize("sight", [name for name in SIGHTS if name != "grey"])
def test_met_and_not_met_stay_apart_for_every_eye(sight):
    assert distance(MET_COLOUR, UNMET_COLOUR, sight) > 30


def test_labels_are_literal():
    assert plotly_text("<b>$x$</b>&lt;\n\u202e") == "&lt;b&gt;&#36;x&#36;&lt;/b&gt;&amp;lt; \\u202e"
    assert len(plotly_text("x" * 999, 50)) == 50
