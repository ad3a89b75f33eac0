"""The thread that writes the revision on screen to files, at full size."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pyqtgraph.Qt import QtCore

from ltemlive.client import ControlClient
from ltemlive.dashboard.shown.arrays import array_of, pixel_nm_of
from ltemlive.dashboard.shown.estimates import read_estimate
from ltemlive.dashboard.shown.finished import completed
from ltemlive.dashboard.shown.fits import FrameFit
from ltemlive.errors import LtemLiveError, WireError
from ltemlive.physics.induction import phase_gradient
from ltemlive.recording.exporting import write_export
from ltemlive.recording.findings import Findings, known_maps
from ltemlive.results import Report, Timing
from ltemlive.series import RejectedFrame
from ltemlive.versions import versions
from ltemlive.wire.results import decode_result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ltemlive.dashboard.shown.estimates import EstimateShown
    from ltemlive.keys import ClientKeys
    from ltemlive.wire.results import ResultMessage

_Value = TypeVar("_Value")

USUAL_FORMATS = ("tif", "nxs", "png", "pdf")
"""What needs no extra; `ltemlive export` knows more."""

_FETCHED = ("phase", "induction", "amplitude")
_SIGMA = "phase_sigma"
_FROM_SCREEN = "as published for the screen, where a pixel may be the mean of several"


class Exporter(QtCore.QThread):
    """Fetch one revision from the daemon and write it; ``done`` or ``failed`` tells.

    Where the daemon cannot give it, since it is gone or keeps others by now, what the
    window has of it is written, and ``done`` says so.

    Parameters
    ----------
    control_endpoint
        Where the daemon answers.
    estimate
        The revision, as the window has it.
    folder
        Where the files go.
    formats
        Of ``recording.exporting.FORMATS``.
    session
        Name of the session, for the provenance.
    keys
        Of this client, for a daemon that asks for them.
    """

    done = QtCore.Signal(object, str)
    """The files, as a tuple of paths; why they are not at full size, or nothing."""
    failed = QtCore.Signal(str)

    def __init__(
        self,
        control_endpoint: str,
        *,
        estimate: EstimateShown,
        folder: Path,
        formats: Sequence[str],
        session: str = "",
        keys: ClientKeys | None = None,
    ) -> None:
        super().__init__()
        self._endpoint = control_endpoint
        self._estimate = estimate
        self._folder = folder
        self._formats = tuple(formats)
        self._session = session
        self._keys = keys

    def run(self) -> None:
        """Fetch and write (Qt calls this in the new thread)."""
        try:
            findings, reason = self._findings()
            written = write_export(findings, self._folder, self._formats)
        except LtemLiveError as error:
            self.failed.emit(str(error))
        else:
            self.done.emit(written, reason)

    def _findings(self) -> tuple[Findings, str]:
        """Return what to write, and why that is not all there was."""
        try:
            return findings_of_messages(self._fetched(), session=self._session), ""
        except WireError as error:
            return findings_on_screen(self._estimate, session=self._session), str(error)

    def _fetched(self) -> dict[str, ResultMessage]:
        with ControlClient(self._endpoint, keys=self._keys) as client:
            messages = {name: self._full(client, name) for name in _FETCHED}
            if messages["phase"].header.get("uncertainty") is not None:
                messages[_SIGMA] = self._full(client, _SIGMA)
        return messages

    def _full(self, client: ControlClient, name: str) -> ResultMessage:
        answer = client.request("full", array=name, rev=self._estimate.rev)
        if not answer.ok or answer.buffer is None:
            raise WireError(answer.error or f"full {name}: no array came")
        message = decode_result(answer.buffer)
        # A daemon that was started anew counts from the beginning again.
        wanted = (self._estimate.ordinal, self._estimate.series)
        if (message.header.get("ordinal"), message.header.get("series")) != wanted:
            raise WireError(f"full {name}: the daemon has another session by now")
        return message


def findings_of_messages(
    messages: Mapping[str, ResultMessage], *, session: str = ""
) -> Findings:
    """Return what answers to ``full`` tell, one message for each array.

    Raises
    ------
    WireError
        If one lacks its array or a key.
    """
    message = messages["phase"]
    arrays = {
        name: array_of(each, name, dimensions=3 if name == "induction" else 2)
        for name, each in messages.items()
    }
    pixel_nm = pixel_nm_of(message, "phase")
    arrays["gradient"] = phase_gradient(arrays["phase"], pixel_nm=pixel_nm)
    if _SIGMA in arrays:
        arrays["uncertainty"] = arrays.pop(_SIGMA)
    shown = read_estimate(completed(message))
    return _findings_of(shown, arrays, pixel_nm=pixel_nm, origin=_origin(shown, session))


def findings_on_screen(shown: EstimateShown, *, session: str = "") -> Findings:
    """Return what the window itself has of a revision, which says so in its origin."""
    arrays = {
        "phase": shown.phase_rad,
        "gradient": phase_gradient(shown.phase_rad, pixel_nm=shown.pixel_nm),
        "induction": shown.induction_t_nm,
        "amplitude": shown.amplitude,
        "uncertainty": shown.phase_sigma_rad,
    }
    known = {name: array for name, array in arrays.items() if array is not None}
    origin = _origin(shown, session) | {"maps": _FROM_SCREEN}
    return _findings_of(shown, known, pixel_nm=shown.pixel_nm, origin=origin)


def _findings_of(
    shown: EstimateShown,
    arrays: Mapping[str, NDArray[np.float32]],
    *,
    pixel_nm: float,
    origin: Mapping[str, str],
) -> Findings:
    return Findings(
        title=shown.series,
        pixel_nm=pixel_nm,
        maps=known_maps(arrays),
        report=_report(shown),
        origin=origin,
    )


def _origin(shown: EstimateShown, session: str) -> dict[str, str]:
    final = "final" if shown.is_final else "live"
    origin = {"estimate": final, "revision": str(shown.rev), "beam": shown.beam}
    if session:
        origin |= {"session": session, "series_folder": f"{shown.ordinal:04}"}
    return origin


def _report(shown: EstimateShown) -> Report:
    """Return what the window knows of how an estimate came about."""
    fits = [shown.fits.get(seq, FrameFit()) for seq in shown.seqs_used]
    turns = [fit.turn for fit in fits]
    return Report(
        frames_used=tuple(str(seq) for seq in shown.seqs_used),
        frames_rejected=tuple(
            RejectedFrame(str(seq), f"set aside: {reason}")
            for seq, reason in shown.set_aside.items()
        ),
        defocus_nm=_whole(fit.defocus_nm for fit in fits) or (),
        noise_sigma=None,
        steps=shown.steps,
        gradient_evaluations=0,
        seconds=Timing(),
        objective=shown.objective,
        device=shown.device,
        versions=versions(),
        method="",
        shift_px=_whole(fit.shift_px for fit in fits),
        rotation_deg=_whole(turn and turn[0] for turn in turns),
        magnification=_whole(turn and turn[1] for turn in turns),
        holdout=_whole(fit.holdout for fit in fits),
        uncertainty=shown.sigmas,
        notes=shown.notes,
    )


def _whole(values: Iterable[_Value | None]) -> tuple[_Value, ...] | None:
    """Return what is known of every frame; None where it is not known of one."""
    told = tuple(values)
    known = tuple(value for value in told if value is not None)
    return known if known and len(known) == len(told) else None
