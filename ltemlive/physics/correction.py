"""From what a camera gave to what the solver takes: intensities on square pixels.

Raw frames are recorded as they came, and corrected each time they are solved. White noise
stays white (``resampling``), so that its level can be told from the image.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ltemlive.camera import NO_CAMERA
from ltemlive.errors import FrameError
from ltemlive.frames import MIN_SIDE_PX, Frame
from ltemlive.physics.pixels import bad_pixels, filled, saturated_pixels
from ltemlive.physics.resampling import resampled, touched
from ltemlive.series import RejectedFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ltemlive.camera import Camera, CameraSettings
    from ltemlive.series import Microscope, StoredSeries

UPRIGHT_DEG = 1e-3
"""Nearer to a quarter turn, nothing is interpolated."""
MOSTLY = 0.5
"""Share of bad pixels in a binned one from which that is bad, too."""


def as_corrected(microscope: Microscope, camera: Camera) -> Microscope:
    """Return the microscope of corrected frames: their pixel, and no camera any more."""
    pixel_nm = microscope.pixel_nm * _pitch_px(camera.settings)
    return microscope.model_copy(update={"camera": None, "pixel_nm": pixel_nm})


def corrected_shape(shape: tuple[int, ...], camera: Camera) -> tuple[int, int]:
    """Return the shape (ny, nx) that raw frames of ``shape`` have when corrected.

    Raises
    ------
    FrameError
        If a reference image has another shape, ``crop`` reaches beyond the frames, or too
        little of them is left.
    """
    settings = camera.settings
    for key, image in camera.references.items():
        if image.shape != shape:
            raise FrameError(
                f"camera.{key}: expected the shape {shape} of the frames, got "
                f"{image.shape}; take one with the binning of the series"
            )
    top, left, bottom, right = settings.crop or (0, 0, *shape)
    if bottom > shape[0] or right > shape[1]:
        raise FrameError(
            f"camera.crop: expected a part of frames of shape {shape}, got "
            f"{[top, left, bottom, right]} (top, left, bottom, right)"
        )
    sides = (bottom - top) // settings.binning, (right - left) // settings.binning
    ny, nx = _sides_kept(sides, settings)
    if min(ny, nx) < MIN_SIDE_PX:
        raise FrameError(
            f"camera: expected at least {MIN_SIDE_PX} x {MIN_SIDE_PX} px to be left of "
            f"{shape}, got {(ny, nx)}; crop or bin less"
        )
    return ny, nx


def corrected_frame(frame: Frame, camera: Camera) -> Frame:
    """Return what the camera saw: float32, NaN where pixels are bad, +inf where saturated.

    Raises
    ------
    FrameError
        As ``corrected_shape``, or if nothing is left above the dark reference.
    """
    if not camera.changes_frames:
        return frame
    settings, seq = camera.settings, frame.meta.seq
    try:
        shape = corrected_shape(frame.image.shape, camera)
    except FrameError as error:
        raise FrameError(f"frame {seq}: {error}") from error
    counts = _counts(frame.image, camera)
    bad, saturated = bad_pixels(counts), saturated_pixels(frame.image)
    usual = float(np.mean(_cropped(counts, settings), where=~_cropped(bad, settings)))
    if not usual > 0.0:
        raise FrameError(
            f"frame {seq}: expected counts above the dark reference, got {usual:.3g} on "
            "average; take one with the exposure time of the series"
        )
    # Filled, too, for what saturated pixels hide would ring beside them.
    image, *shares = (
        _binned(_cropped(part.astype(np.float32), settings), settings)
        for part in (filled(counts, bad | saturated), bad, saturated)
    )
    masks = shares[0] > MOSTLY, shares[1] > 0.0
    image, (is_bad, is_saturated) = _upright(image, masks, settings, shape)
    image[is_bad] = np.nan
    image[is_saturated] = np.inf
    pixel_nm = frame.meta.pixel_nm
    if pixel_nm is not None:
        pixel_nm *= _pitch_px(settings)
    return Frame(replace(frame.meta, pixel_nm=pixel_nm), image)


def corrected_series(stored: StoredSeries) -> StoredSeries:
    """Return a series with its frames corrected; those that cannot be are rejected."""
    if not stored.camera.changes_frames:
        return stored
    good: list[tuple[str, Frame]] = []
    rejected = list(stored.rejected)
    for label, frame in zip(stored.labels, stored.frames, strict=True):
        try:
            good.append((label, corrected_frame(frame, stored.camera)))
        except FrameError as error:
            rejected.append(RejectedFrame(label, str(error)))
    return replace(
        stored,
        microscope=as_corrected(stored.microscope, stored.camera),
        frames=tuple(frame for _, frame in good),
        labels=tuple(label for label, _ in good),
        rejected=tuple(rejected),
        camera=NO_CAMERA,
    )


def live_pixels(gain: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which pixels have a factor that says something, shape (ny, nx)."""
    return np.asarray(np.isfinite(gain) & (gain > 0.0))


def _counts(raw: NDArray[Any], camera: Camera) -> NDArray[np.float32]:
    """Return counts as a camera would give them that has no pattern of its own."""
    # Counts of four bytes have more digits than float32.
    counts = raw if camera.dark is None else raw - camera.dark.astype(float)
    counts = counts.astype(np.float32)
    if camera.gain is not None:
        is_alive = live_pixels(camera.gain)
        usual = np.mean(camera.gain, where=is_alive, dtype=float)
        factor = np.where(is_alive, camera.gain / usual, np.nan)
        counts = counts * factor.astype(np.float32)
    return counts


def _cropped(image: NDArray[Any], settings: CameraSettings) -> NDArray[Any]:
    top, left, bottom, right = settings.crop or (0, 0, *image.shape)
    return image[top:bottom, left:right]


def _binned(image: NDArray[np.float32], settings: CameraSettings) -> NDArray[np.float32]:
    """Return the mean of each block; what fills no block, below and on the right, goes."""
    n = settings.binning
    ny, nx = (side // n for side in image.shape)
    blocks = image[: ny * n, : nx * n].reshape(ny, n, nx, n)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


def _upright(
    image: NDArray[np.float32],
    masks: Sequence[NDArray[np.bool_]],
    settings: CameraSettings,
    shape: tuple[int, int],
) -> tuple[NDArray[np.float32], list[NDArray[np.bool_]]]:
    """Return an image along the holder's axes, on square pixels, and masks with it."""
    if settings.pixel_aspect == 1.0 and _is_quarter_turn(settings):
        turns = -round(settings.rotation_deg / 90.0)
        image, *turned = (
            np.rot90(_flipped(each, settings), turns).copy() for each in (image, *masks)
        )
        return image, turned
    matrix = _raw_per_corrected(settings)
    middle, raw_middle = ((np.array(each) - 1) / 2 for each in (shape, image.shape))
    first = raw_middle - matrix @ middle
    aspect = settings.pixel_aspect
    kept = min(aspect, 1.0), min(1.0 / aspect, 1.0)
    there = resampled(image, matrix, first, shape, kept=kept)
    return there, [touched(each, matrix, first, shape) for each in masks]


def _flipped(image: NDArray[Any], settings: CameraSettings) -> NDArray[Any]:
    match settings.flip:
        case "left_right":
            return image[:, ::-1]
        case "up_down":
            return image[::-1]
        case _:
            return image


def _is_quarter_turn(settings: CameraSettings) -> bool:
    return abs(math.remainder(settings.rotation_deg, 90.0)) < UPRIGHT_DEG


def _pitch_px(settings: CameraSettings) -> float:
    """Return the edge of a corrected pixel in widths of a raw one."""
    return settings.binning * max(settings.pixel_aspect, 1.0)


def _raw_per_corrected(settings: CameraSettings) -> NDArray[np.float64]:
    """Return what takes (y, x) of corrected pixels to binned raw ones, from the middle."""
    angle = math.radians(settings.rotation_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    back = np.array([[cosine, -sine], [sine, cosine]])
    flip = {"none": (1.0, 1.0), "left_right": (1.0, -1.0), "up_down": (-1.0, 1.0)}
    pixels = np.diag([1.0 / settings.pixel_aspect, 1.0]) * max(settings.pixel_aspect, 1.0)
    return np.asarray(pixels @ np.diag(flip[settings.flip]) @ back)


def _sides_kept(sides: tuple[int, int], settings: CameraSettings) -> tuple[int, int]:
    """Return the sides, in corrected pixels, of the largest upright part of a frame."""
    if settings.pixel_aspect == 1.0 and _is_quarter_turn(settings):
        is_on_its_side = round(settings.rotation_deg / 90.0) % 2
        return sides[::-1] if is_on_its_side else sides
    angle = math.radians(settings.rotation_deg)
    height, width = sides[0] * settings.pixel_aspect, sides[1]
    kept = _largest_upright(height, width, abs(math.sin(angle)), abs(math.cos(angle)))
    ny, nx = (int(side / max(settings.pixel_aspect, 1.0) + 1e-9) for side in kept)
    return ny, nx


def _largest_upright(
    height: float, width: float, sine: float, cosine: float
) -> tuple[float, float]:
    """Return height and width of the largest upright rectangle within a turned one."""
    shorter = min(height, width)
    is_wide = width >= height
    if shorter <= 2.0 * sine * cosine * max(height, width) or abs(sine - cosine) < 1e-9:
        # Two of its corners lie in the middles of the longer sides.
        by_sine, by_cosine = 0.5 * shorter / sine, 0.5 * shorter / cosine
        return (by_cosine, by_sine) if is_wide else (by_sine, by_cosine)
    scale = cosine**2 - sine**2
    return (
        (height * cosine - width * sine) / scale,
        (width * cosine - height * sine) / scale,
    )
