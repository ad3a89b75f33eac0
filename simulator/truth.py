"""What the daemon is to find out, written where it never looks: ``truth.nxs``."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import TYPE_CHECKING

import h5py
import numpy as np

from ltemlive.formats.aside import disk_error, written_aside
from ltemlive.formats.nexus_groups import nexus_group, write_pixel_axes
from ltemlive.formats.references import keep_references
from ltemlive.physics.electron import HBAR_OVER_E_T_NM2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from ltemlive.frames import Frame
    from simulator.acquisition import Acquisition
    from simulator.schedule import Announcement

TRUTH_FILE = "truth.nxs"
"""Not the name of an image, nor of anything else that a watched folder is read for."""
_UNITS = {
    "stated_defocus_nm": "nm",
    "defocus_nm": "nm",
    "shift_px": "px",
    "rotation_deg": "deg",
}


class WithTruth:
    """A series that writes its truth down before its first frame.

    Parameters
    ----------
    acquisition
        The series.
    path
        The file to make or replace.
    keeps_references
        Whether the camera's ``dark.tif`` and ``gain.tif`` go beside it, too: where frames
        travel over a socket nobody else writes them.
    """

    def __init__(
        self, acquisition: Acquisition, path: Path, *, keeps_references: bool = False
    ) -> None:
        self._acquisition = acquisition
        self._path = path
        self._keeps_references = keeps_references

    @property
    def announcement(self) -> Announcement:
        """What is known before the first frame."""
        return self._acquisition.announcement

    def frames(self) -> Iterator[Frame]:
        """Write the truth, then yield the frames.

        Raises
        ------
        RecordingError
            If the disk refuses.
        """
        write_truth(self._path, self._acquisition)
        if self._keeps_references:
            keep_references(self._path.parent, self.announcement.camera)
        yield from self._acquisition.frames()


def write_truth(path: Path, acquisition: Acquisition) -> None:
    """Write phase, amplitude, induction, and how each frame was really taken.

    ``/entry`` is an NXentry. ``phase``, ``amplitude`` and ``induction`` are NXdata of one
    map for each state of the specimen, without drift or contamination; ``frames`` has one
    value of each kind for each frame, ``state`` among them.

    Raises
    ------
    RecordingError
        If the disk refuses.
    """
    # HDF5 cannot close a file on a full disk, so it is made in memory.
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update({"NX_class": "NXroot", "default": "entry"})
        entry = nexus_group(file, "entry", "NXentry", default="phase")
        entry["title"] = acquisition.announcement.series
        entry["program_name"] = "ltemlive simulate"
        _write_maps(entry, acquisition)
        _write_frames(entry, acquisition)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(path.parent, error) from error
    with written_aside(path, durable=False) as aside:
        aside.write_bytes(buffer.getbuffer())


def induction_t_nm(
    phase_rad: NDArray[np.float64], pixel_nm: float, *, is_mirrored: bool = False
) -> NDArray[np.float64]:
    """Return (B_y t, B_x t) [T nm], (2, ny, nx), that a phase stands for.

    The electrostatic part of the phase counts as well, as it does in what is compared.
    ``is_mirrored``: the beam goes out of the image.
    """
    slope_y, slope_x = np.gradient(phase_rad, pixel_nm)
    sign = -1.0 if is_mirrored else 1.0
    return np.asarray(sign * HBAR_OVER_E_T_NM2 * np.stack([slope_x, -slope_y]))


def _write_maps(entry: h5py.Group, acquisition: Acquisition) -> None:
    optics = acquisition.microscope
    states = [acquisition.specimen_in(state) for state in acquisition.states]
    phases = [each.frame_of(each.phase_rad) for each in states]
    is_mirrored = optics.beam == "out_of_image"
    fields = [
        induction_t_nm(phase_rad, optics.pixel_nm, is_mirrored=is_mirrored)
        for phase_rad in phases
    ]
    amplitudes = [each.frame_of(each.amplitude) for each in states]
    signals = {
        "phase": ({"phase": phases}, "rad"),
        "amplitude": ({"amplitude": amplitudes}, ""),
        "induction": (
            {
                "induction_y": [field[0] for field in fields],
                "induction_x": [field[1] for field in fields],
            },
            "T nm",
        ),
    }
    for name, (parts, unit) in signals.items():
        first, *others = parts
        group = nexus_group(entry, name, "NXdata", signal=first, axes=["state", "y", "x"])
        if others:
            group.attrs["auxiliary_signals"] = others
        for key, maps in parts.items():
            group[key] = np.asarray(maps, np.float32)
            group[key].attrs["units"] = unit
        group["state"] = np.asarray(acquisition.states)
        write_pixel_axes(group, phases[0].shape, pixel_nm=optics.pixel_nm)


def _write_frames(entry: h5py.Group, acquisition: Acquisition) -> None:
    group = nexus_group(entry, "frames", "NXcollection")
    frames = [asdict(truth) for truth in acquisition.truths()]
    for key in frames[0]:
        group[key] = np.array([frame[key] for frame in frames])
        if key in _UNITS:
            group[key].attrs["units"] = _UNITS[key]
