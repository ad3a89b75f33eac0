"""Every series that the daemon has heard of, by producer and name: values, one for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ltemlive.daemon.admission import SeriesRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ltemlive.arrivals import SeriesAnnounced
    from ltemlive.recording.ledger import Key, Ledger, SeriesRecord

MAX_UNOPENED = 256
"""Series without a stored frame that are remembered; the oldest is forgotten."""
MAX_EARLY_REJECTIONS = 64
"""Refused frames of a series without a folder that are listed when it gets one."""


@dataclass(frozen=True, slots=True)
class KnownSeries:
    """One of them."""

    rules: SeriesRules = field(default_factory=SeriesRules)
    ordinal: int | None = None
    """None until its first frame."""
    early_rejections: tuple[tuple[str, str], ...] = ()
    """(frame, reason) of what was refused before it had a folder."""


class Registry:
    """Look series up, and put them down changed; a group of changes can be taken back."""

    def __init__(self, ledger: Ledger) -> None:
        announced = {key: KnownSeries(_announced(a)) for key, a in ledger.announced.items()}
        recorded = {
            record.key: KnownSeries(_recorded(record), record.ordinal)
            for record in ledger.records.values()
        }
        self._known: dict[Key, KnownSeries] = {**recorded, **announced}

    def __getitem__(self, key: Key) -> KnownSeries:
        return self._known.get(key, KnownSeries())

    def __setitem__(self, key: Key, known: KnownSeries) -> None:
        if known.ordinal is not None and self[key].ordinal is None:
            # Its place is where it was opened, not where it was announced.
            self._known.pop(key, None)
        self._known[key] = known
        unopened = [other for other, each in self._known.items() if each.ordinal is None]
        for other in unopened[:-MAX_UNOPENED]:
            del self._known[other]

    def newest_open(self) -> Key | None:
        """Return the series that was opened last of those that go on, None if none does."""
        return next(
            (
                key
                for key, known in reversed(self._known.items())
                if known.ordinal is not None and not known.rules.is_over
            ),
            None,
        )

    def copy(self) -> Mapping[Key, KnownSeries]:
        """Return what is known now, for ``restore``."""
        return dict(self._known)

    def restore(self, known: Mapping[Key, KnownSeries]) -> None:
        """Forget what was learnt since ``copy``."""
        self._known = dict(known)


def _announced(announced: SeriesAnnounced) -> SeriesRules:
    return SeriesRules(
        announced.optics,
        announced.camera,
        announced.plan_defocus_nm,
        announced.n_expected,
    )


def _recorded(record: SeriesRecord) -> SeriesRules:
    return SeriesRules(
        plan_defocus_nm=record.plan_defocus_nm,
        n_expected=record.n_expected,
        microscope=record.microscope,
        shape=record.shape,
        is_over=record.exit_status is not None,
    )
