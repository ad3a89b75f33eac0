"""What stands beside one image: ``NAME.yaml`` or ``NAME.json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.frames import MAX_SEQ
from ltemlive.series import SERIES_FILE
from ltemlive.sources.folder_plan import sidecar_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ltemlive.sources.settling import FileSettling, FileStamp


class Sidecar(BaseModel):
    """What a sidecar may say about its image."""

    # Microscopes write much else into such files.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    defocus_nm: float | None = Field(None, ge=-1e9, le=1e9)
    lens_value: float | None = None
    exposure_s: float | None = Field(None, gt=0.0)
    seq: int | None = Field(None, ge=0, le=MAX_SEQ)


class Sidecars:
    """Read sidecars that have settled, each once for each of its versions.

    Parameters
    ----------
    settling
        Which files of the folder have stopped growing.
    """

    def __init__(self, settling: FileSettling) -> None:
        self._settling = settling
        self._read: dict[str, tuple[FileStamp, Sidecar, str]] = {}

    def of(self, name: str, files: Mapping[str, Path]) -> tuple[Sidecar, str]:
        """Return what the sidecar of an image says, and what is wrong with it."""
        for candidate in sidecar_names(name):
            stamp = self._settling.settled_stamp(candidate)
            if stamp is None or candidate == SERIES_FILE or candidate not in files:
                continue
            known = self._read.get(candidate)
            if known is None or known[0] != stamp:
                known = (stamp, *_load_sidecar(files[candidate]))
                self._read[candidate] = known
            return known[1:]
        return Sidecar(), ""

    def unfinished(self, name: str) -> str:
        """Return the sidecar of an image that is still being written, if any."""
        growing = filter(self._settling.is_growing, sidecar_names(name))
        return next((each for each in growing if each != SERIES_FILE), "")


def _load_sidecar(path: Path) -> tuple[Sidecar, str]:
    try:
        values = _load_json(path) if path.suffix == ".json" else documents.load(path)
        return documents.validated(values, Sidecar, where=path.name), ""
    except ConfigError as error:
        return Sidecar(), "; ".join(str(error).splitlines())


def _load_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path.name}: expected readable JSON, got: {error}") from error
    if not isinstance(values, dict):
        kind = type(values).__name__
        raise ConfigError(f"{path.name}: expected keys and values, got {kind}")
    return values
