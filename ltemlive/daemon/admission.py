"""Whether a frame may join its series: decided here, pure, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ltemlive import documents
from ltemlive.camera import NO_CAMERA
from ltemlive.errors import ConfigError, FrameError
from ltemlive.frames import check_usable
from ltemlive.series import Microscope, Optics
from ltemlive.settings import MicroscopeSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ltemlive.camera import Camera
    from ltemlive.frames import Frame


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings say, for series that do not say it themselves."""

    microscope: MicroscopeSettings = field(default_factory=MicroscopeSettings)
    camera: Camera = NO_CAMERA
    """``microscope.camera``, its reference images loaded."""


@dataclass(frozen=True, slots=True)
class SeriesRules:
    """What the frames of one series have in common, as far as it is known."""

    optics: Mapping[str, Any] = field(default_factory=dict)
    """What its producer announced."""
    camera: Camera | None = None
    """What becomes of its raw frames; None: what the settings say."""
    plan_defocus_nm: tuple[float, ...] | None = None
    n_expected: int | None = None
    microscope: Microscope | None = None
    """None until its first frame."""
    shape: tuple[int, int] | None = None
    is_over: bool = False


def microscope_for(
    frame: Frame, rules: SeriesRules, defaults: MicroscopeSettings
) -> Microscope:
    """Return the microscope as the settings, the series and its first frame say.

    What the frame says wins, then the announcement, then the settings.

    Raises
    ------
    FrameError
        If nobody says the voltage or the pixel size, or a value is impossible.
    """
    stated = {"voltage_kv": frame.meta.voltage_kv, "pixel_nm": frame.meta.pixel_nm}
    values = {
        **defaults.model_dump(exclude_none=True),
        **rules.optics,
        **{key: value for key, value in stated.items() if value is not None},
    }
    try:
        return documents.validated(values, Microscope, where=f"frame {frame.meta.seq}")
    except ConfigError as error:
        reasons = str(error).replace("\n", "; ")
        raise FrameError(f"{reasons} (in the header, series.yaml or settings)") from error


def admitted(
    frame: Frame, rules: SeriesRules, defaults: MicroscopeSettings | None = None
) -> Frame:
    """Return the frame with its defocus known, if it fits its series.

    What the frame says wins, then the plan, then the ``lens_value`` among its ``meta`` by
    the ``lens_table`` that the series has, or else the settings (``defaults``).

    Raises
    ------
    FrameError
        If the series is over, or the frame has another shape, pixel or voltage, shows
        nothing, or nobody knows its defocus.
    """
    seq = frame.meta.seq
    if rules.is_over:
        raise FrameError(
            f"frame {seq}: expected a series that goes on, this one has ended; send it as "
            "another series, or to a session begun with --new-session"
        )
    if rules.shape is not None and frame.image.shape != rules.shape:
        raise FrameError(
            f"frame {seq}: expected shape {rules.shape} as the first frame of the series, "
            f"got {frame.image.shape}"
        )
    if rules.microscope is not None:
        _check_same(frame, "pixel_nm", rules.microscope.pixel_nm)
        _check_same(frame, "voltage_kv", rules.microscope.voltage_kv)
    check_usable(frame)
    if frame.meta.defocus_nm is not None:
        return frame
    plan = rules.plan_defocus_nm or ()
    if seq < len(plan):
        return _at(frame, plan[seq])
    lens_value = frame.meta.meta.get("lens_value")
    if isinstance(lens_value, int | float) and not isinstance(lens_value, bool):
        return _at(frame, _defocus_of_lens(seq, lens_value, rules, defaults))
    raise FrameError(
        f"frame {seq}: expected a defocus in nm, got none; say it in the header, in "
        "series.yaml or in the plan"
    )


def _at(frame: Frame, defocus_nm: float) -> Frame:
    return replace(frame, meta=replace(frame.meta, defocus_nm=defocus_nm))


def _defocus_of_lens(
    seq: int, lens_value: float, rules: SeriesRules, defaults: MicroscopeSettings | None
) -> float:
    optics = rules.microscope or defaults or Optics()
    if "lens_table" in rules.optics:
        optics = Optics.model_validate({"lens_table": rules.optics["lens_table"]})
    try:
        return optics.defocus_of_lens(lens_value)
    except ValueError as error:
        raise FrameError(f"frame {seq}: lens_value {lens_value:g}: {error}") from error


def _check_same(frame: Frame, name: str, expected: float) -> None:
    stated = getattr(frame.meta, name)
    if stated is not None and abs(stated - expected) > 1e-6 * expected:
        raise FrameError(
            f"frame {frame.meta.seq}: expected {name} {expected} as the first frame of "
            f"the series, got {stated}"
        )
