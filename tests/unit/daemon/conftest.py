"""A real recorder, frames, and a solver that adds images up instead of solving."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace

import numpy as np
import pytest

from ltemlive.arrivals import FrameArrived
from ltemlive.daemon.loading import Solver
from ltemlive.errors import FrameError
from ltemlive.events import AdviceGiven, FrameRejected, PhaseEstimate, TieView
from ltemlive.formats.images import write_map_tiff
from ltemlive.frames import Frame, FrameMeta
from ltemlive.recording.session import SessionRecorder
from ltemlive.results import Reconstruction, Report, Timing
from ltemlive.series import Microscope
from ltemlive.settings import Settings

SHAPE = (16, 18)
MICROSCOPE = Microscope(voltage_kv=200.0, pixel_nm=5.0)
SETTINGS = Settings.model_validate(
    {"solver": {"steps_per_frame": 4, "steps_when_idle": 2, "max_steps": 10}}
)


class FakeClock:
    """Seconds since 1970, one more each time it is read."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        self.now += 1.0
        return self.now


class FakeBasis:
    """Shows the phase of an estimate as that of TIE, and no frame."""

    def view(self, seq, estimate):
        if seq is not None:
            return AdviceGiven(f"no view of frame {seq}", "warning", estimate.ordinal)
        return TieView(
            estimate.ordinal,
            estimate.series,
            estimate.rev,
            estimate.is_final,
            estimate.phase_rad,
            estimate.pixel_nm,
        )


class FakeEngine:
    """An engine whose phase is the sum of its frames, scaled by the steps.

    It refuses frames whose first pixel is 13, wants ``max_steps`` after each frame, shows
    nothing of its first steps after a wish, and notes every call.
    """

    def __init__(self, ordinal, series, microscope, settings, revisions, camera):
        self.settings = settings
        self.calls = []
        self._ordinal, self._series, self._pixel_nm = ordinal, series, microscope.pixel_nm
        self._revisions = revisions
        self._frames = []
        self._steps = self._steps_since_frame = 0
        self._begins_anew = False
        self._newest = None

    def start_at(self, phase_rad):
        self.calls.append(("start_at", float(phase_rad.sum())))

    @property
    def newest(self):
        return None if self._newest is None else (self._newest, FakeBasis())

    @property
    def wants_steps(self):
        is_tired = self._steps_since_frame >= self.settings.max_steps
        return len(self._frames) > 1 and not is_tired

    def add(self, frames):
        self.calls.append(("add", tuple(frame.meta.seq for frame in frames)))
        self._steps_since_frame = 0
        bad = [frame for frame in frames if frame.image[0, 0] == 13]
        self._frames += [frame for frame in frames if frame not in bad]
        labels = [str(frame.meta.seq) for frame in bad]
        return [FrameRejected(self._series, label, "13", self._ordinal) for label in labels]

    def wish(self, seq, use):
        self.calls.append(("wish", seq, use))
        self._steps_since_frame = 0
        self._begins_anew = True
        self._frames = [
            replace(frame, meta=replace(frame.meta, use=use))
            if frame.meta.seq == seq
            else frame
            for frame in self._frames
        ]
        return [AdviceGiven(f"frame {seq}: {use}", "info", self._ordinal)]

    def view(self, seq):
        self.calls.append(("view", seq))
        if self._newest is None:
            return [AdviceGiven("no phase yet", "warning", self._ordinal)]
        return [FakeBasis().view(seq, self._newest)]

    def refine(self, n_steps):
        self.calls.append(("refine", n_steps))
        if len(self._frames) < 2:
            return []
        self._steps += n_steps
        self._steps_since_frame += n_steps
        is_shown, self._begins_anew = not self._begins_anew, False
        if self.wants_steps and not is_shown:
            return []
        wanted = [frame for frame in self._frames if frame.meta.use is not False]
        self._newest = PhaseEstimate(
            ordinal=self._ordinal,
            series=self._series,
            rev=next(self._revisions),
            seqs_used=tuple(frame.meta.seq for frame in self._frames),
            defocus_nm=tuple(frame.meta.defocus_nm for frame in self._frames),
            steps=self._steps,
            gradient_evaluations=self._steps,
            objective=(1.0,) * n_steps,
            is_final=False,
            phase_rad=phase_of(wanted) * np.float32(self._steps),
            amplitude=np.ones(SHAPE, np.float32),
            pixel_nm=self._pixel_nm,
            device="abacus",
        )
        return [self._newest]


class FakeLaboratory:
    """Makes the fake solver, and keeps every engine that it made."""

    def __init__(self):
        self.engines = []
        self.threads = None
        self.write_results = write_results
        self.reconstruct = reconstruct

    def load(self, threads):
        self.threads = threads

        def late(*args, **kwargs):
            return self.reconstruct(*args, **kwargs)

        return Solver(self._engine, late, self.write_results, "abacus")

    def _engine(self, *args):
        self.engines.append(FakeEngine(*args))
        return self.engines[-1]


def phase_of(frames):
    return np.sum([frame.image for frame in frames], axis=0).astype(np.float32) / 1000.0


def reconstruct(stored, settings, *, on_progress=None):
    if on_progress is not None:
        on_progress(0, settings.max_steps)
    if len(stored.frames) < 2:
        raise FrameError(f"{stored.title}: expected at least two images")
    report = Report(
        frames_used=stored.labels,
        frames_rejected=stored.rejected,
        defocus_nm=tuple(frame.meta.defocus_nm for frame in stored.frames),
        noise_sigma=0.1,
        steps=settings.max_steps,
        gradient_evaluations=settings.max_steps,
        seconds=Timing(),
        objective=(1.0,),
        device="abacus",
        versions={},
        method="ad",
    )
    amplitude = np.ones(SHAPE, np.float32)
    seqs = tuple(frame.meta.seq for frame in stored.frames)
    return Reconstruction(
        phase_of(stored.frames),
        amplitude,
        stored.microscope,
        report,
        stored.title,
        seqs,
        basis=FakeBasis(),
    )


def write_results(folder, result):
    pixel_nm = result.microscope.pixel_nm
    phase_rad = result.phase_rad
    write_map_tiff(
        folder / "phase.tif", phase_rad, pixel_nm=pixel_nm, unit="rad", labels=("phase",)
    )
    (folder / "report.json").write_text(json.dumps(result.report.as_document()))
    return result.report


def made_frame(seq=0, **meta):
    """Return a frame whose pixels follow from its number."""
    stated = {"defocus_nm": seq * 1e5, "voltage_kv": 200.0, "pixel_nm": 5.0} | meta
    image = np.random.default_rng(seq).integers(100, 4000, SHAPE).astype("<u2")
    return Frame(FrameMeta(seq, **stated), image)


@pytest.fixture
def frame_of():
    """Return a way to make frames; keywords change what is known about them."""
    return made_frame


@pytest.fixture
def arrival_of():
    """Return a way to make a frame arrive, of a given image and producer or of any."""

    def arrived(seq=0, *, image=None, producer="run-1", series="holes", **meta):
        frame = made_frame(seq, **meta)
        frame = frame if image is None else replace(frame, image=image)
        crc32 = zlib.crc32(np.ascontiguousarray(frame.image).data)
        return FrameArrived(producer, series, frame, crc32, str(seq), receipt=(series, seq))

    return arrived


@pytest.fixture
def microscope():
    return MICROSCOPE


@pytest.fixture
def settings():
    return SETTINGS


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def recorder_of(tmp_path, clock):
    """Return a way to open a recorder, or something that derives from it."""
    opened = []

    def opened_recorder(kind=SessionRecorder):
        recorder = kind.create(
            tmp_path, settings=SETTINGS, versions={"ltemlive": "1"}, clock=clock
        )
        opened.append(recorder)
        return recorder

    yield opened_recorder
    for recorder in opened:
        recorder.close()


@pytest.fixture
def recorder(recorder_of):
    return recorder_of()


@pytest.fixture
def laboratory():
    return FakeLaboratory()
