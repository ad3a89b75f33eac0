"""The reference images of a camera: read by their names, and kept beside its frames."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from ltemlive.camera import NO_CAMERA, Camera
from ltemlive.errors import ConfigError, FrameError
from ltemlive.formats.images import cut_short, read_image, write_frame_tiff
from ltemlive.physics.correction import live_pixels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ltemlive.camera import CameraSettings


def load_camera(folder: Path, settings: CameraSettings | None, *, where: str) -> Camera:
    """Return a camera with the reference images that its settings name.

    Parameters
    ----------
    folder
        From which relative names count.
    where
        What the settings stand in, for errors.

    Raises
    ------
    ConfigError
        One line for each image that cannot be read, or a gain that says nothing.
    """
    if settings is None:
        return NO_CAMERA
    images, problems = {}, []
    for key, file in settings.references.items():
        try:
            images[key] = read_image(folder / file)
            if key == "gain":
                _check_gain(folder / file, images[key])
        except FrameError as error:
            problems.append(f"{where}: camera.{key}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    return Camera(settings, **images)


def _check_gain(file: Path, gain: NDArray[Any]) -> None:
    if not live_pixels(gain).any():
        raise FrameError(f"{file}: expected factors above 0, got none")
    problem = cut_short(gain)
    if problem:
        raise FrameError(f"{file}: {problem}")


def keep_references(folder: Path, camera: Camera) -> CameraSettings:
    """Write the reference images into ``folder`` and return settings that name them there.

    Lossless, fsynced and renamed; harmless if repeated.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    files = {}
    for key, image in camera.references.items():
        files[key] = f"{key}.tif"
        write_frame_tiff(
            folder / files[key],
            image,
            pixel_nm=None,
            defocus_nm=None,
            seq=None,
            durable=True,
        )
    return camera.settings.model_copy(update=files)


def leads_out(name: str) -> bool:
    """Return whether a name leads out of its folder, spelt in the way of any system."""
    return any(
        pure.anchor or ".." in pure.parts or not pure.name
        for pure in (PurePosixPath(name), PureWindowsPath(name))
    )
