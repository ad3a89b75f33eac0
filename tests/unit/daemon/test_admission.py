import re
from dataclasses import replace

import numpy as np
import pytest

from ltemlive.daemon.admission import SeriesRules, admitted, microscope_for
from ltemlive.errors import FrameError
from ltemlive.series import Microscope
from ltemlive.settings import MicroscopeSettings

NOBODY = {"voltage_kv": None, "pixel_nm": None}


@pytest.fixture
def rules(microscope):
    """Return the rules of a series that has begun."""
    return SeriesRules(microscope=microscope, shape=(16, 18))


def test_a_frame_that_fits_is_taken_as_it_is(frame_of, rules):
    frame = frame_of(3)
    assert admitted(frame, rules) is frame
    assert admitted(frame, SeriesRules()) is frame


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pixel_nm": 5.1}, "expected pixel_nm 5.0 as the first frame .* got 5.1"),
        (
            {"voltage_kv": 300.0},
            "expected voltage_kv 200.0 as the first frame .* got 300.0",
        ),
        ({"defocus_nm": None}, "expected a defocus in nm, got none; say it in the header"),
    ],
)
def test_what_differs_from_the_first_frame_is_named(frame_of, rules, change, reason):
    with pytest.raises(FrameError, match=f"^frame 3: {reason}"):
        admitted(frame_of(3, **change), rules)


@pytest.mark.parametrize("change", [NOBODY, {"pixel_nm": 5.0 * (1.0 + 1e-9)}])
def test_a_frame_may_leave_unsaid_what_is_known(frame_of, rules, change):
    frame = frame_of(3, **change)
    assert admitted(frame, rules) is frame


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.arange(16 * 20, dtype="<u2").reshape(16, 20), "expected shape (16, 18)"),
        (np.full((16, 18), 65535, "<u2"), "the constant value 65535 (blank or saturated"),
        (np.full((16, 18), 1e39, "<f8"), "values that float32 can hold, got 1e+39"),
    ],
)
def test_an_image_that_cannot_be_used_is_refused(frame_of, rules, image, reason):
    with pytest.raises(FrameError, match=rf"^frame 3: .*{re.escape(reason)}"):
        admitted(replace(frame_of(3), image=image), rules)


def test_nothing_joins_a_series_that_has_ended(frame_of, rules):
    with pytest.raises(FrameError, match=r"^frame 3: expected a series that goes on"):
        admitted(frame_of(3), replace(rules, is_over=True))


def test_the_plan_gives_the_defocus_that_a_frame_does_not_say(frame_of, rules):
    planned = replace(rules, plan_defocus_nm=(0.0, -1e5))
    silent = frame_of(1, defocus_nm=None)
    assert admitted(silent, planned).meta.defocus_nm == -1e5
    assert silent.meta.defocus_nm is None
    assert admitted(frame_of(1, defocus_nm=7.0), planned).meta.defocus_nm == 7.0
    with pytest.raises(FrameError, match=r"^frame 2: expected a defocus"):
        admitted(frame_of(2, defocus_nm=None), planned)


def test_the_value_of_the_lens_gives_a_defocus_that_nobody_says(frame_of, rules):
    table = ((2000.0, -1e6), (2400.0, 1e6))
    silent = frame_of(3, defocus_nm=None, meta={"lens_value": 2250})
    settings = MicroscopeSettings(lens_table=table)
    of_settings = admitted(silent, SeriesRules(), settings)
    assert of_settings.meta.defocus_nm == pytest.approx(2.5e5)
    announced = SeriesRules(optics={"lens_table": [[2000, 0], [2500, 5e5]]})
    assert admitted(silent, announced, settings).meta.defocus_nm == pytest.approx(2.5e5)
    begun = replace(
        rules,
        microscope=rules.microscope.model_copy(
            update={"lens_table": ((2000.0, 0.0), (2500.0, 1e6))}
        ),
    )
    assert admitted(silent, begun, settings).meta.defocus_nm == pytest.approx(5e5)
    planned = replace(begun, plan_defocus_nm=(0.0, 1.0, 2.0, 3.0))
    assert admitted(silent, planned).meta.defocus_nm == 3.0


@pytest.mark.parametrize("value", ["2250", True, None, [1.0]])
def test_a_lens_value_that_is_no_number_says_nothing(frame_of, rules, value):
    silent = frame_of(3, defocus_nm=None, meta={"lens_value": value})
    with pytest.raises(FrameError, match="expected a defocus in nm, got none"):
        admitted(silent, rules)


def test_a_lens_value_without_a_table_is_refused_with_the_remedy(frame_of, rules):
    silent = frame_of(3, defocus_nm=None, meta={"lens_value": 2250})
    with pytest.raises(FrameError, match=r"^frame 3: lens_value 2250: no lens_table"):
        admitted(silent, rules)


def test_frame_before_announcement_before_settings(frame_of):
    rules = SeriesRules(optics={"convergence_mrad": 0.03, "defocus_spread_nm": 9.0})
    defaults = MicroscopeSettings(voltage_kv=100.0, pixel_nm=2.0, convergence_mrad=0.5)
    assert microscope_for(frame_of(0), rules, defaults) == Microscope(
        voltage_kv=200.0, pixel_nm=5.0, convergence_mrad=0.03, defocus_spread_nm=9.0
    )
    unsaid = microscope_for(frame_of(0, **NOBODY), SeriesRules(), defaults)
    assert unsaid == Microscope(voltage_kv=100.0, pixel_nm=2.0, convergence_mrad=0.5)


def test_what_nobody_says_is_named_in_one_line(frame_of):
    with pytest.raises(FrameError) as refusal:
        microscope_for(frame_of(4, **NOBODY), SeriesRules(), MicroscopeSettings())
    line = str(refusal.value)
    assert line.startswith("frame 4: voltage_kv: missing; add `voltage_kv: ...`; frame 4: ")
    assert "pixel_nm: missing" in line
    assert line.endswith("(in the header, series.yaml or settings)")
    assert "\n" not in line
