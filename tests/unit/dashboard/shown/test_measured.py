from __future__ import annotations

import io

import numpy as np
import pytest

from ltemlive.dashboard.shown import measured
from ltemlive.dashboard.shown.measuring import Region, Segment, profile_of, statistics_of
from ltemlive.physics.edges import EdgeFit, EdgeShape, NoEdge, fit_edge

SEGMENT = Segment((162.5, 60.0), (162.5, 260.0), width_nm=40.0)


def edge(fwhm_nm, deviation_nm):
    return EdgeFit(EdgeShape(1.0, 9.0, 1.0, 0.0, 0.0), 9.0, 1.0, fwhm_nm, deviation_nm)


@pytest.fixture
def across_edge(maps_of, centres_nm):
    """An estimate with an edge, the profile across it, and the edge as fitted."""
    _, x = centres_nm(64, 64)
    estimate = maps_of(EdgeShape(3.0, 160.0, 15.0, 0.0, 0.0).at(x))
    profile = profile_of(estimate, SEGMENT)
    return estimate, profile, fit_edge(profile.distance_nm, profile.phase_rad)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (edge(23.14, 0.84), "FWHM 23.1 nm \u00b1 0.8"),
        (edge(23.14, 12.0), "FWHM 23 nm \u00b1 12"),
        (edge(23.14, 1e-9), "FWHM 23.140 nm \u00b1 0.000"),
        (edge(23.14, 0.0), "FWHM 23.140 nm \u00b1 0.000"),
        (edge(1523.0, 31.0), "FWHM 1.52 \u00b5m \u00b1 0.03"),
        (NoEdge("no edge stands out"), "no FWHM: no edge stands out"),
        (None, ""),
    ],
)
def test_the_width_of_an_edge_is_told_in_words(found, text):
    assert measured.edge_text(found).replace("\u202f", " ") == text


def test_a_ruler_tells_length_and_direction():
    text = measured.ruler_text(Segment((0.0, 0.0), (-30.0, 40.0)))
    assert text.replace("\u202f", " ") == "50 nm   37\u00b0"


def test_the_statistics_are_rows_with_units(maps_of, centres_nm):
    _, x = centres_nm(64, 64)
    found = statistics_of(maps_of(-0.02 * x), Region(100.0, 100.0, 110.0, 120.0))
    rows = measured.statistics_rows(found)
    assert all(len(row) == len(measured.STATISTICS_HEADINGS) for row in rows)
    assert rows[0] == ("Phase", "\u22122.2", "0.1118", "\u22122.35", "\u22122.05", "rad")
    assert (rows[1][1], rows[1][-1]) == ("20", "mrad/nm")
    assert (rows[2][1], rows[2][-1]) == ("13.16", "T nm")
    assert (rows[3][1], rows[3][-1]) == ("13.16", "T nm at 90\u00b0")


def test_a_saved_profile_is_read_by_numpy(across_edge):
    estimate, profile, found = across_edge
    text = measured.profile_csv(estimate, SEGMENT, profile, (measured.QUANTITIES[0], found))
    read = np.genfromtxt(
        io.StringIO(text), delimiter=",", names=True, skip_header=measured.HEAD_LINES
    )
    assert read.dtype.names == (
        "distance_nm",
        "phase_rad",
        "gradient_mrad_per_nm",
        "induction_T_nm",
        "induction_along_T_nm",
        "induction_across_T_nm",
    )
    np.testing.assert_allclose(read["distance_nm"], profile.distance_nm, rtol=1e-6)
    for quantity in measured.QUANTITIES:
        np.testing.assert_allclose(
            read[quantity.column],
            measured.values_of(profile, quantity),
            rtol=1e-6,
            atol=1e-12,
        )


def test_the_head_of_a_saved_profile_says_where_it_is_from(across_edge):
    estimate, profile, found = across_edge
    estimate.series, estimate.is_final = "odd\nname,\r\n# with ends", True
    text = measured.profile_csv(estimate, SEGMENT, profile, (measured.QUANTITIES[0], found))
    head = text.splitlines()[: measured.HEAD_LINES]
    assert all(line.startswith("# ") for line in head)
    assert not text.splitlines()[measured.HEAD_LINES].startswith("#")
    assert head[1:6] == [
        "# series: odd name, # with ends",
        "# revision: 7, final",
        "# from: x 60 nm, y 162.5 nm (y down, from the upper left corner)",
        "# to: x 260 nm, y 162.5 nm",
        "# averaged across: 40 nm",
    ]
    assert f"phase_rad: {found.fwhm_nm:.6g} nm, standard deviation" in head[6]


def test_what_is_not_known_is_nan_in_a_saved_profile(across_edge):
    estimate, _, _ = across_edge
    beyond = Segment((162.5, -40.0), (162.5, 260.0))
    text = measured.profile_csv(
        estimate,
        beyond,
        profile_of(estimate, beyond),
        (measured.QUANTITIES[0], NoEdge("it is not there")),
    )
    lines = text.splitlines()
    assert lines[6] == "# FWHM of the edge in phase_rad: none: it is not there"
    assert lines[8] == "0,nan,nan,nan,nan,nan"
