"""Settings of the daemon and the solver: every default lives here, once.

Precedence: defaults < YAML file < ``LTEMLIVE_SECTION__KEY`` < ``--set section.key=value``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    model_validator,
)

from ltemlive import documents, refusals
from ltemlive.addresses import forbidden_endpoints
from ltemlive.camera import CameraSettings
from ltemlive.errors import ConfigError
from ltemlive.file_names import checked_pattern
from ltemlive.frames import MAX_SIDE_PX, MIN_SIDE_PX
from ltemlive.series import Optics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENVIRONMENT_PREFIX = "LTEMLIVE_"

Side = Annotated[int, Field(ge=MIN_SIDE_PX, le=MAX_SIDE_PX)]


NamePattern = Annotated[str, AfterValidator(checked_pattern)]
Defocus = Annotated[float, Field(ge=-1e9, le=1e9)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SessionSettings(_Section):
    """Where the session folder goes."""

    root: Path = Path()
    """Sessions are made below this folder; the default is the current one."""


class InputSettings(_Section):
    """Where frames come from; a source that is null is off."""

    zmq: str | None = "tcp://127.0.0.1:5571"
    """ROUTER endpoint for acknowledged frames."""
    zmq_sub: str | None = None
    """Endpoint of somebody's PUB to subscribe to; lossy by nature."""
    folder: Path | None = None
    """Folder to watch for images and a ``series.yaml``."""
    file_pattern: NamePattern | None = None
    """Regular expression for names of images: groups ``seq``, ``defocus`` and ``unit`` (nm
    without one). Not tried on names over 255 characters; null: the built-in one."""
    plan_defocus_nm: tuple[Defocus, ...] | None = None
    """Defocus by number, from 0, of images in ``folder`` that nothing else tells of."""
    settle_ms: int = Field(250, ge=0, le=60_000)
    """A file is ready when size and mtime have been stable this long."""
    rescan_s: float = Field(2.0, gt=0.0, le=3600.0)
    idle_end_s: float | None = Field(None, gt=0.0)
    """A watched series ends after this long without a new file; null: at shutdown."""
    abandon_s: float | None = Field(60.0, ge=2.0)
    """A series ends as abandoned when its producer, who beats its heart each second, was
    silent this long, or its folder away; it goes on with the next frame. Null: never."""
    max_frame_bytes: int = Field(256 * 2**20, ge=1024, le=2**31)
    credit: int = Field(8, ge=1, le=1024)
    """Frames a producer may have in flight."""


class OutputSettings(_Section):
    """Where results go."""

    results: str = "tcp://127.0.0.1:5572"
    """PUB endpoint."""
    control: str = "tcp://127.0.0.1:5573"
    """ROUTER endpoint for requests."""
    max_rate_hz: float = Field(10.0, gt=0.0, le=100.0)
    preview_px: int = Field(1024, ge=64, le=16384)
    """Longest side of a published array."""


class SecuritySettings(_Section):
    """Who may speak to the daemon."""

    keys: Path | None = None
    """Folder that `ltemlive keys` made: every socket then speaks CURVE, and only clients
    with a key in it come in. Null: anybody on this machine, and nobody else."""


class SolverSettings(_Section):
    """How the phase is found; nothing here depends on the data set."""

    method: Literal["ad", "tie", "paper", "paper+TV"] = "ad"
    """The project's own; the transport-of-intensity equation; the recipe of the paper,
    without and with total variation, which gives its phase at the end of a series only."""
    threads: int = Field(2, ge=1, le=256)
    """Fixed, so that a replay gives the same bits; recorded with the session."""
    expected_shape: tuple[Side, Side] | None = None
    """(ny, nx) of corrected frames: compile for it at start, not while the first come.

    For the default border and coherence. Null: at the first frame of each new shape.
    """
    steps_per_frame: int = Field(24, ge=1, le=10_000)
    """Steps after each arrival, before the estimate is published."""
    steps_when_idle: int = Field(12, ge=0, le=10_000)
    """Steps per revision while no new frame is waiting; 0: rest."""
    max_steps: int = Field(600, ge=1, le=100_000)
    """Steps of one series, at most, in the final solve; the paper's recipe may take ten
    times as many."""
    gentle_steps: int = Field(1, ge=1, le=10_000)
    """First steps of a phase with edges, without a prior and with a metric that moves all
    its waves alike."""
    round_steps: int = Field(20, ge=1, le=1000)
    """Steps of each round in which edges lock in, at most."""
    weighing_steps: int = Field(25, ge=1, le=1000)
    """Steps of each round at whose start the whole prior is weighed."""
    memory: int = Field(5, ge=1, le=64)
    """Pairs the L-BFGS keeps."""
    border_px: int = Field(48, ge=0, le=4096)
    """Unknown field added on each side where the border is free."""
    tv_strength: float = Field(1.0, ge=0.0, le=100.0)
    """Weight of what the prior sums, relative to the one that the phase itself asks for."""
    tv_smoothing_rad: float = Field(0.01, gt=0.0, le=1.0)
    """Gradient of the phase per pixel below which its total variation is quadratic."""
    align: bool = True
    """Find where each frame lies, and refine it with the phase; false: take them as they
    are."""
    refine_rotation: bool = True
    """Find how each frame is rotated, where frames are aligned."""
    rotation_width_deg: float = Field(0.5, ge=0.001, le=90.0)
    """How far frames are off their line over defocus (standard deviation). There is a line
    through any two."""
    refine_magnification: bool = True
    """Find how each frame is magnified, where frames are aligned. What is proportional to
    defocus cannot be told from a parabola of the phase, which is left with little."""
    magnification_width: float = Field(0.01, ge=1e-5, le=1.0)
    """The same of the magnification, as a part of it."""
    refine_defocus: bool = True
    """Refine the defocus of each frame with the phase; false: take it as stated."""
    defocus_width: float = Field(0.05, ge=1e-5, le=1.0)
    """How well the stated defocus is known: standard deviation, as a part of it."""
    refine_convergence: bool = True
    """Refine the divergence of the beam with the phase; false: take it as stated."""
    convergence_width: float = Field(0.7, ge=1e-5, le=5.0)
    """How well the stated divergence is known: standard deviation of its natural logarithm;
    .7 is a factor of 2."""
    start_from: Literal["flat", "last_series"] = "flat"
    """Where the live phase of a series starts. last_series: at the result of the series
    before it, if that fits its images better than none. The final result starts flat."""
    judge: bool = True
    """Set frames aside that do not belong to the others, and mend a sign of defocus that
    most of them contradict; false: use every frame as stated."""
    tolerance_rad: float = Field(0.005, gt=0.0, le=1.0)
    """The solver rests when five steps moved the phase by less than this (rms)."""

    @property
    def aligns_frames(self) -> bool:
        """Return whether frames are placed; other methods take them as they are."""
        return self.align and self.method == "ad"

    @property
    def turns_frames(self) -> bool:
        """Return whether rotation or magnification are looked for."""
        return self.aligns_frames and (self.refine_rotation or self.refine_magnification)

    @property
    def refines_optics(self) -> bool:
        """Return whether defocus or divergence are refined; other methods take them."""
        return self.method == "ad" and (self.refine_defocus or self.refine_convergence)

    @property
    def judges_frames(self) -> bool:
        """Return whether frames may be set aside; other methods use them all."""
        return self.judge and self.method == "ad"

    @property
    def looks_at_frames(self) -> bool:
        """Return whether frames are compared with what the others predict of them."""
        return self.aligns_frames or self.judges_frames


class MicroscopeSettings(Optics):
    """What neither a frame nor a ``series.yaml`` says about the microscope."""

    voltage_kv: float | None = Field(None, ge=10.0, le=3000.0)
    pixel_nm: float | None = Field(None, ge=1e-6, le=1e5)
    camera: CameraSettings | None = None
    """For series whose ``series.yaml`` has none; relative file names count from the current
    folder."""


class Settings(_Section):
    """Everything ``ltemlive run`` can be told."""

    session: SessionSettings = SessionSettings()
    input: InputSettings = InputSettings()
    output: OutputSettings = OutputSettings()
    security: SecuritySettings = SecuritySettings()
    solver: SolverSettings = SolverSettings()
    microscope: MicroscopeSettings = MicroscopeSettings()

    def as_document(self) -> dict[str, Any]:
        """Return plain values, ready for YAML."""
        return self.model_dump(mode="json")

    @model_validator(mode="wrap")
    @classmethod
    def _has_permitted_endpoints(
        cls, values: Any, make: ModelWrapValidatorHandler[Settings]
    ) -> Settings:
        """Refuse open addresses beside every other error: only the whole knows of keys."""
        return refusals.made(values, make, beside=forbidden_endpoints(values))


def load_settings(
    path: Path | None,
    *,
    environ: Mapping[str, str],
    overrides: Iterable[str] = (),
    recorded: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings that a file, the environment and ``--set`` make together.

    Parameters
    ----------
    path
        YAML file, or None for the defaults.
    environ
        Usually ``os.environ``; only names of the form LTEMLIVE_SECTION__KEY are read.
    overrides
        Each ``section.key=value``, the value in YAML.
    recorded
        What a session was recorded with: used where there is no file.

    Raises
    ------
    ConfigError
        One line per wrong key, all at once, each naming where it was set.
    """
    values: dict[str, Any] = dict(recorded or {})
    where = {"": str(path) if path is not None else "settings"}
    if path is not None:
        values = documents.load(path)
    for name in sorted(environ):
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            key = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            _assign(values, where, key, environ[name], origin=name)
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or "." not in name:
            raise ConfigError(f"--set {override}: expected section.key=value")
        _assign(values, where, name.split("."), text, origin=f"--set {name}")
    return documents.validated(values, Settings, where=where)


def _assign(
    values: dict[str, Any], where: dict[str, str], key: list[str], text: str, *, origin: str
) -> None:
    for part in key[:-1]:
        inner = values.get(part)
        values[part] = dict(inner) if isinstance(inner, dict) else {}
        values = values[part]
    value = documents.parse_scalar(text, where=origin)
    # A folder may be called 2026-11-23 or on; the model makes numbers of text by itself.
    is_plain = value is None or isinstance(value, str | list | dict)
    values[key[-1]] = value if is_plain else text
    where[".".join(key)] = origin
