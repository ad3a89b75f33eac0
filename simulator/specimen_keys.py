"""Which keys of ``specimen`` a kind uses, and what each kind is: the list users see."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "resolution_target",
    "vortex_discs",
    "stripe_domains",
    "labyrinth",
    "skyrmion_lattice",
    "nanowire",
    "wedge",
    "random_field",
    "micromagnetic",
]
REPEATED: frozenset[Kind] = frozenset({"labyrinth", "skyrmion_lattice", "random_field"})
"""Kinds that go on beyond the field as they are in it."""

Wall: TypeAlias = Literal["bloch", "neel"]

Side: TypeAlias = Literal["x", "y", "z", "-x", "-y", "-z"]

KINDS: dict[Kind, str] = {
    "resolution_target": "bars, chevrons, squares and discs of a soft film, wide to fine",
    "vortex_discs": "discs of a soft film, each with a vortex of random circulation",
    "stripe_domains": "meandering stripes up and down the beam, all wall (Bloch or Neel)",
    "labyrinth": "a maze of domains up and down the beam, walls of one width",
    "skyrmion_lattice": "a hexagonal lattice of Bloch or Neel skyrmions",
    "nanowire": "a thick round wire magnetised along itself: steps of many radians",
    "wedge": "an edge that grows thicker, electrostatic phase alone",
    "random_field": "a random phase whose power falls as a power of the frequency",
    "micromagnetic": "the state in an OVF file of OOMMF, MuMax3 or ubermag",
}
"""What each kind shows, in one line."""

_ALL: frozenset[Kind] = frozenset(KINDS)
_FILMS: frozenset[Kind] = _ALL - {"nanowire", "wedge", "random_field"}
_MATTER: frozenset[Kind] = _ALL - {"random_field"}
_TILTS: frozenset[Kind] = _FILMS - {"stripe_domains"}
_WALLS: frozenset[Kind] = frozenset({"stripe_domains", "labyrinth", "skyrmion_lattice"})

USED_BY: dict[str, frozenset[Kind]] = {
    "file": frozenset({"micromagnetic"}),
    "seen_from": frozenset({"micromagnetic"}),
    "thickness_nm": _ALL - {"nanowire", "random_field", "micromagnetic"},
    "saturation_t": _FILMS | {"nanowire"},
    "inner_potential_v": _MATTER,
    "film_amplitude": _FILMS,
    "absorption_nm": _MATTER,
    "tilt_x_deg": _TILTS,
    "tilt_y_deg": _TILTS,
    "period_nm": _WALLS | {"vortex_discs"},
    "diameter_nm": frozenset({"vortex_discs", "skyrmion_lattice", "nanowire"}),
    "wall": _WALLS,
    "wall_width_nm": _WALLS - {"stripe_domains"},
    "phase_rms_rad": frozenset({"random_field"}),
    "spectrum_exponent": frozenset({"random_field"}),
}
"""Of keys that not every kind has; the others are of all."""

MOMENT = ("saturation_t", "thickness_nm")
"""What makes the moment of a film: nothing of its magnetisation shows where one is 0."""

WHY_NOT: dict[str, str] = {
    "file": "is drawn from the keys beside it",
    "seen_from": "is drawn as the beam sees it",
    "thickness_nm": "has a thickness that something else says",
    "saturation_t": "is not magnetic",
    "inner_potential_v": "has its phase stated",
    "film_amplitude": "is no film",
    "absorption_nm": "has no thickness",
    "tilt_x_deg": "is seen along one direction only",
    "tilt_y_deg": "is seen along one direction only",
    "period_nm": "does not repeat",
    "diameter_nm": "has nothing round of one size",
    "wall": "has no walls of a kind to choose",
    "wall_width_nm": "has no walls of a width to choose",
    "phase_rms_rad": "has a phase that follows from what it is made of",
    "spectrum_exponent": "has a spectrum that follows from what it is made of",
}
"""Why another kind does not use the key."""
