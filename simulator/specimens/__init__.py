"""What stands in the beam: the exit wave's phase and amplitude, known exactly.

One file for each family, in which a kind of ``specimen.kind`` is drawn; ``making`` puts any
of them into the beam.
"""

from simulator.specimens.domains import stripe_domains
from simulator.specimens.jumps import Chance
from simulator.specimens.making import make_specimen
from simulator.specimens.specimen import Specimen

__all__ = ["Chance", "Specimen", "make_specimen", "stripe_domains"]
