import numpy as np
import pytest

from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.physics.optics import transfer_function
from ltemlive.physics.tie import symmetric_pair, transport_of_intensity_phase
from ltemlive.series import Microscope

DEFOCUS_NM = 20e3


def microscope(border):
    return Microscope(voltage_kv=200.0, pixel_nm=5.0, convergence_mrad=0.0, border=border)


def imaged(wave, defocus_nm, lens):
    transfer = transfer_function(wave.shape, defocus_nm, lens)
    return np.abs(np.fft.ifft2(np.fft.fft2(wave) * transfer)) ** 2


def waves(shape):
    y = np.linspace(0.0, 2.0 * np.pi, shape[0], endpoint=False)[:, np.newaxis]
    x = np.linspace(0.0, 2.0 * np.pi, shape[1], endpoint=False)[np.newaxis, :]
    return np.cos(x) * np.sin(2.0 * y) + 0.5 * np.sin(x + y)


def bump(shape, width_px):
    y, x = (np.arange(side) - side / 2 for side in shape)
    return 2.0 * np.exp(-(y[:, np.newaxis] ** 2 + x[np.newaxis, :] ** 2) / width_px**2)


def solved(phase, amplitude, border, *, crop=0, **options):
    lens = microscope(border)
    wave = amplitude * np.exp(1j * phase)
    kept = slice(crop, -crop or None)
    under, over, in_focus = (
        imaged(wave, defocus_nm, lens)[kept, kept]
        for defocus_nm in (DEFOCUS_NM, -DEFOCUS_NM, 0.0)
    )
    return transport_of_intensity_phase(
        under, over, in_focus, separation_nm=2 * DEFOCUS_NM, microscope=lens, **options
    )


@pytest.mark.parametrize("shape", [(48, 48), (47, 60)])
def test_a_periodic_phase_is_found_with_its_sign_and_size(shape):
    truth = waves(shape)
    phase = solved(truth, 1.0, "periodic")
    assert phase.shape == shape
    accuracy = phase_accuracy(phase, truth)
    assert accuracy.phase > 0.9999
    assert accuracy.slope == pytest.approx(1.0, abs=0.01)
    assert phase.mean() == pytest.approx(0.0, abs=1e-5)


def test_an_uneven_amplitude_is_allowed_for():
    truth = waves((48, 52))
    amplitude = 1.0 + 0.2 * np.roll(waves((48, 52)), 7, axis=1)
    phase = solved(truth, amplitude, "periodic")
    assert phase_accuracy(phase, truth).slope == pytest.approx(1.0, abs=0.05)
    assert phase_accuracy(phase, truth).phase > 0.99


def test_a_field_that_goes_on_outside_is_found_with_a_mirrored_border():
    wide = bump((80, 84), 10.0)
    truth = wide[12:-12, 12:-12]
    accuracy = phase_accuracy(solved(wide, 1.0, "free", crop=12), truth)
    assert accuracy.phase > 0.999
    assert accuracy.slope == pytest.approx(1.0, abs=0.01)


def test_the_cut_damps_long_waves():
    truth = waves((48, 48))
    longest_nm = 48 * 5.0
    cut = solved(truth, 1.0, "periodic", cutoff_per_nm=3.0 / longest_nm)
    assert phase_accuracy(cut, truth).slope < 0.3


def test_the_most_symmetric_pair_is_taken_and_of_equal_ones_the_strongest():
    defocus_nm = [0.0, -150e3, 150e3, -1.6e6, 1.6e6]
    assert symmetric_pair(defocus_nm) == (4, 3)
    assert symmetric_pair([-1e5, -2e5, 1.5e6, 2.1e5]) == (3, 1)


@pytest.mark.parametrize("defocus_nm", [[], [0.0, 1e5], [-1e5, -2e5, 0.0]])
def test_images_on_one_side_of_focus_only_are_refused(defocus_nm):
    with pytest.raises(ValueError, match="each side of focus"):
        symmetric_pair(defocus_nm)
