"""What a smooth phase is expected to have of its longest waves."""

from dataclasses import replace

import numpy as np
import pytest

from ltemlive.frames import Frame, FrameMeta
from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon import rings as module
from ltemlive.recon.model import empty_model, with_frames
from ltemlive.recon.rings import LEAST_POWER, N_RINGS, expecting_rings
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.spectrum import rings_of_waves, wave_counts
from ltemlive.series import Microscope
from ltemlive.settings import SolverSettings
from simulator.detector import Detector
from simulator.microscope import VirtualMicroscope
from simulator.specimens import Specimen

SHAPE = (96, 96)
SETTINGS = SolverSettings(align=False, refine_defocus=False, refine_convergence=False)
DEFOCI_NM = (0.0, -4e5, 4e5, -2e6, 2e6)
SHORT, LONG = (5, 6, 7), (1, 2, 3)


def waves_of(rings, seed=3):
    """Return a phase of 2 rad that has these rings of waves and no other, (ny, nx)."""
    white = np.fft.rfft2(np.random.default_rng(seed).standard_normal(SHAPE))
    phase = np.fft.irfft2(np.where(np.isin(rings_of_waves(*SHAPE), rings), white, 0.0))
    return 2.0 * phase / phase.std()


def power_of(phase, ring):
    """Return the mean power of a ring of waves."""
    is_in = rings_of_waves(*SHAPE) == ring
    power = np.abs(np.fft.rfft2(phase)) ** 2 / phase.size
    return np.average(power[is_in], weights=wave_counts(*SHAPE)[is_in])


def expected_power(state, ring):
    (inverse,) = np.unique(state.roughness.numpy()[rings_of_waves(*SHAPE) == ring])
    return 1.0 / inverse


@pytest.fixture
def at_rest(series_of):
    """Return a way to solve the series of a phase: the state at rest, and the series."""

    def solved(truth, *, noise=0.05, seed=1):
        series = series_of(truth, DEFOCI_NM, noise=noise, seed=seed)
        state, _ = refine(cold_start(series, SETTINGS), series, 500)
        assert state.is_smooth
        assert state.is_converged
        return state, series

    return solved


def test_waves_that_are_there_are_expected_as_they_are(at_rest):
    for rings in (SHORT, LONG):
        truth = waves_of(rings)
        state, _ = at_rest(truth)
        for ring in rings:
            assert expected_power(state, ring) == pytest.approx(
                power_of(truth, ring), rel=0.2
            )


def test_long_waves_that_are_not_there_are_not_expected(at_rest):
    truth = waves_of(SHORT)
    state, _ = at_rest(truth)
    for ring in LONG:
        assert expected_power(state, ring) < 0.01 * power_of(truth, SHORT[0])


def test_a_ring_that_seems_empty_may_have_some(at_rest):
    state, series = at_rest(waves_of(SHORT))
    none = expecting_rings(replace(state, unknowns=0.0 * state.unknowns), series)
    stiffness = series.stiffness[0].numpy()[rings_of_waves(*SHAPE) == 2].mean()
    # Of a flat phase the stiffness is that of first order.
    assert expected_power(none, 2) * stiffness == pytest.approx(LEAST_POWER, rel=0.1)
    assert none.evaluations == state.evaluations + N_RINGS


def test_a_field_seen_in_part_has_the_noise_of_that_part(acquire, model_of):
    series = model_of(acquire(kind="stripe_domains", border="free")).series
    begun, _ = refine(cold_start(series, SETTINGS), series, 1)
    none = expecting_rings(replace(begun, unknowns=0.0 * begun.unknowns), series)
    is_in = np.isin(rings_of_waves(*series.amplitude.shape), np.arange(1, N_RINGS + 1))
    stiffness = series.stiffness[0].numpy()[is_in]
    found = (stiffness / none.roughness.numpy()[is_in]).mean()
    assert found == pytest.approx(LEAST_POWER, rel=0.2)


def test_a_phase_that_goes_on_beyond_the_frame_is_not_expected_flat():
    """Its unseen border is flatter than it is: what the whole field has says too little."""
    truth = waves_of((4, 5, 6))
    optics = Microscope(voltage_kv=200.0, pixel_nm=20.0, border="free")
    specimen = Specimen(truth, np.ones_like(truth), 20.0, margin_px=16)
    microscope = VirtualMicroscope(specimen, optics, Detector())
    rng = np.random.default_rng(1)
    frames = []
    for seq, value_nm in enumerate(DEFOCI_NM):
        root = np.sqrt(microscope.image(value_nm)) + 0.025 * rng.standard_normal((64, 64))
        meta = FrameMeta(seq, value_nm, 20.0, 200.0)
        frames.append(Frame(meta, (root**2).astype(np.float32)))
    series = with_frames(empty_model((64, 64), optics, 16), frames).series
    state, _ = refine(cold_start(series, SETTINGS), series, 500)
    assert state.is_smooth
    longest = np.isin(rings_of_waves(*SHAPE), np.arange(1, N_RINGS + 1))
    expected = wave_counts(*SHAPE)[longest] / state.roughness.numpy()[longest]
    assert expected.sum() / truth.size > truth[16:80, 16:80].var()


def test_what_is_not_a_long_wave_is_expected_by_the_law(at_rest):
    state, series = at_rest(waves_of(SHORT))
    again = expecting_rings(replace(state, unknowns=0.0 * state.unknowns), series)
    is_beyond = rings_of_waves(*SHAPE) > N_RINGS
    for part in (is_beyond, rings_of_waves(*SHAPE) == 0):
        np.testing.assert_array_equal(again.roughness[part], state.roughness[part])


def test_noise_leaves_less_in_long_waves(at_rest, monkeypatch):
    truth = waves_of(SHORT)

    def rms_rad():
        return np.mean(
            [
                phase_accuracy(at_rest(truth, seed=seed)[0].phase.numpy(), truth).rms_rad
                for seed in (1, 2, 3)
            ]
        )

    with_rings = rms_rad()
    monkeypatch.setattr(module, "N_RINGS", 0)
    assert with_rings < 0.8 * rms_rad()
