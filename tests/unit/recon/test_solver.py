from dataclasses import fields, replace

import numpy as np
import pytest
import tensorflow as tf

from ltemlive.physics.accuracy import phase_accuracy
from ltemlive.recon import graphs
from ltemlive.recon.graphs import search_graphs
from ltemlive.recon.lbfgs import ROUNDING
from ltemlive.recon.objective import objective_and_gradient
from ltemlive.recon.priors import mean_steepness, no_prior
from ltemlive.recon.rounds import (
    EDGES_STAND,
    LOOK_STEPS,
    MOST_EDGES_ROUNDS,
    WEIGHING_ROUNDS,
)
from ltemlive.recon.solver import cold_start, refine
from ltemlive.recon.spectrum import squared_wavenumber
from ltemlive.recon.starts import gentle_start, warm_start
from ltemlive.recon.weighing import DOUBT, Stage, doubted
from ltemlive.settings import SolverSettings

SETTINGS = SolverSettings(gentle_steps=20, round_steps=10)
COHERENCES = ["intensity", "wave"]


@pytest.fixture(scope="module", params=COHERENCES)
def series(request, acquire, model_of):
    return model_of(acquire(coherence=request.param)).series


@pytest.fixture(scope="module")
def wave_series(acquire, model_of):
    """Return the cheaper kind, where the kind does not matter."""
    return model_of(acquire(coherence="wave")).series


@pytest.fixture(scope="module")
def weak_series(acquire, model_of):
    """Return stripe domains that the images tell little about."""
    acquisition = acquire((0.0, -4e5, 4e5), 0.05, "stripe_domains", border="free")
    return model_of(acquisition).series


def settled(series, settings=SETTINGS):
    return refine(cold_start(series, settings), series, settings.max_steps)


def assert_same_bits(one, other):
    """Compare every tensor and number of two states."""
    for each in fields(one):
        ours, theirs = (
            tf.nest.flatten(getattr(state, each.name)) for state in (one, other)
        )
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(our, their, err_msg=each.name)


# A pure function


def test_equal_arguments_give_equal_bits(series):
    once, again = (refine(cold_start(series, SETTINGS), series, 75) for _ in range(2))
    assert_same_bits(once[0], again[0])
    assert once[1] == again[1]


def test_refining_leaves_the_state_it_was_given_as_it_was(series):
    before, _ = refine(cold_start(series, SETTINGS), series, 5)
    phase = before.phase.numpy().copy()
    first, _ = refine(before, series, 5)
    second, _ = refine(before, series, 5)
    np.testing.assert_array_equal(before.phase, phase)
    assert before.steps == 5
    assert_same_bits(first, second)


@pytest.mark.parametrize("parts", [(10, 10), (1, 19), (13, 20, 2), (20, 15)])
def test_steps_may_be_split_over_calls(series, parts):
    whole, told = refine(cold_start(series, SETTINGS), series, sum(parts))
    state = cold_start(series, SETTINGS)
    objective = ()
    for part in parts:
        state, report = refine(state, series, part)
        objective += report.objective
    assert_same_bits(whole, state)
    assert objective == told.objective


def test_no_steps_change_nothing(wave_series):
    state = cold_start(wave_series, SETTINGS)
    after, report = refine(state, wave_series, 0)
    assert after is state
    assert (report.steps, report.evaluations, report.objective) == (0, 0, ())
    assert report.is_finite


def test_a_hundred_calls_and_a_growing_series_trace_once(acquire, model_of):
    acquisition = acquire(coherence="wave")
    compiled = None
    state = None
    for n_frames in (2, 3, 4, 5):
        grown = model_of(acquisition, n_frames).series
        state = cold_start(grown, SETTINGS) if state is None else warm_start(state, grown)
        for call in range(25):
            state, _ = refine(state, grown, 1 + call % 3)
            state = replace(state, is_converged=False)
        compiled = search_graphs(
            tuple(state.phase.shape), tuple(grown.blur.shape[1:]), SETTINGS.memory
        )
    assert [graph.experimental_get_tracing_count() for graph in compiled] == [1, 1, 1]


def test_both_graphs_share_one_trace_of_the_objective(wave_series, monkeypatch):
    traced = []

    def counting(*arguments):
        traced.append(arguments)
        return objective_and_gradient(*arguments)

    monkeypatch.setattr(graphs, "objective_and_gradient", counting)
    shapes = tuple(wave_series.amplitude.shape), tuple(wave_series.blur.shape[1:])
    for graph in search_graphs.__wrapped__(*shapes, SETTINGS.memory):
        graph.get_concrete_function()
    assert len(traced) == 1


# The way down


def test_the_objective_never_rises_within_a_round(series):
    state = cold_start(series, SETTINGS)
    for n_steps in (SETTINGS.gentle_steps, SETTINGS.round_steps, SETTINGS.round_steps):
        state, report = refine(state, series, n_steps)
        reached = np.array(report.objective)
        assert len(reached) == n_steps
        assert (np.diff(reached) <= 2.0 * ROUNDING * reached[:-1]).all()
        assert reached[-1] < reached[0]


def test_reports_count_steps_and_gradients(series):
    state, evaluations = cold_start(series, SETTINGS), 0
    for _ in range(4):
        state, report = refine(state, series, 9)
        assert report.steps == len(report.objective) == 9
        assert report.evaluations >= report.steps
        evaluations += report.evaluations
    assert state.steps == 36
    assert state.evaluations == evaluations


def test_a_search_that_has_converged_rests(series):
    state, report = settled(series)
    assert report.is_converged
    assert state.is_converged
    assert report.steps < SETTINGS.max_steps
    after, told = refine(state, series, 10)
    assert after is state
    assert told.steps == 0
    assert told.is_converged


def test_the_mean_phase_which_no_image_shows_stays_zero(series):
    state, _ = settled(series)
    assert float(tf.reduce_mean(state.phase)) == pytest.approx(0.0, abs=1e-5)


def test_the_gentle_round_knows_no_prior_of_the_phase(wave_series):
    state, _ = refine(cold_start(wave_series, SETTINGS), wave_series, 5)
    assert float(state.prior.steepness_weight) == 0.0
    assert float(state.prior.bending_weight) == 0.0
    assert float(state.prior.amplitude_weight) > 0.0


def test_edges_lock_in_before_bending_is_weighed(wave_series):
    state, _ = refine(cold_start(wave_series, SETTINGS), wave_series, 25)
    assert float(state.prior.steepness_weight) > 0.0
    assert float(state.prior.bending_weight) == 0.0
    state, _ = refine(state, wave_series, 45)
    assert float(state.prior.bending_weight) > 0.0


def test_a_sharp_total_variation_denoises(acquire, model_of):
    acquisition = acquire((0.0, -1e6, 1e6), 0.2, coherence="wave")
    series = model_of(acquisition).series
    accuracy = {}
    for name, change in {
        "sharp": {},
        "blunt": {"tv_smoothing_rad": 1.0},
        "none": {"tv_strength": 0.0},
    }.items():
        state, _ = settled(series, SETTINGS.model_copy(update=change))
        accuracy[name] = phase_accuracy(state.phase.numpy(), acquisition.truth_phase_rad)
    assert accuracy["sharp"].rms_rad < 0.9 * accuracy["blunt"].rms_rad
    assert accuracy["sharp"].rms_rad < 0.7 * accuracy["none"].rms_rad
    assert accuracy["sharp"].gradient > accuracy["none"].gradient + 0.1


def cosine(n_periods, side_px=64):
    """Return a phase that is one wave, of rms 1 rad."""
    x = np.arange(side_px) / side_px
    row = np.sqrt(2.0) * np.cos(2.0 * np.pi * n_periods * x)
    return np.tile(row, (side_px, 1))


def power_law_field(exponent, side_px=64):
    """Return a random phase of rms 1 rad whose power goes with this power of its wave."""
    rng = np.random.default_rng(3)
    wavenumber = np.sqrt(squared_wavenumber(side_px, side_px).numpy())
    wavenumber[0, 0] = np.inf
    white = np.fft.rfft2(rng.standard_normal((side_px, side_px)))
    phase = np.fft.irfft2(white * wavenumber ** (0.5 * exponent))
    return phase / phase.std()


def test_a_smooth_phase_keeps_its_scale(series_of):
    truth = cosine(2)
    series = series_of(truth, (0.0, -4e5, 4e5, -2e6, 2e6))
    state, _ = settled(series)
    accuracy = phase_accuracy(state.phase.numpy(), truth)
    assert accuracy.phase > 0.998
    assert accuracy.slope == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("exponent", [-6.0, -5.0])
def test_a_phase_without_edges_is_expected_to_have_the_power_of_its_waves(
    series_of, exponent
):
    truth = power_law_field(exponent)
    state, report = settled(series_of(truth, (0.0, -4e5, 4e5, -2e6, 2e6)))
    assert report.is_converged
    assert float(tf.reduce_max(state.prior.roughness)) > 0.0
    assert float(state.prior.bending_weight) == 0.0
    accuracy = phase_accuracy(state.phase.numpy(), truth)
    assert accuracy.phase > 0.999
    assert accuracy.gradient > 0.995
    assert accuracy.slope == pytest.approx(1.0, abs=0.015)


@pytest.mark.parametrize("defocus_nm", [(0.0, -2e6, 2e6), (0.0, -1.5e6, 1.5e6)])
def test_a_smooth_phase_that_hardly_shows_keeps_its_scale(series_of, defocus_nm):
    # Noise is several times the contrast: total variation would flatten it.
    truth = 3.0 * cosine(1, side_px=96)
    series = series_of(truth, defocus_nm, noise=0.1)
    state, report = settled(series)
    assert report.is_converged
    accuracy = phase_accuracy(state.phase.numpy(), truth)
    assert accuracy.phase > 0.97
    assert accuracy.slope == pytest.approx(1.0, abs=0.1)


def test_a_series_that_turns_out_to_have_edges_starts_gently_from_the_phase_so_far(
    wave_series, series_of
):
    smooth = series_of(cosine(2), (0.0, -4e5, 4e5))
    state, _ = refine(cold_start(smooth, SETTINGS), smooth, 12)
    assert state.is_smooth
    resumed = warm_start(replace(state, settings=SETTINGS), wave_series)
    state, _ = refine(resumed, wave_series, 1)
    assert not state.is_smooth
    assert state.stage == Stage.GENTLE
    assert phase_accuracy(state.phase.numpy(), resumed.phase.numpy()).phase > 0.9


def test_a_series_that_turns_out_smooth_needs_no_edges_first(wave_series, series_of):
    state = advanced(wave_series, SETTINGS, is_undamped_edges)
    smooth = series_of(cosine(2), (0.0, -4e5, 4e5))
    state, _ = refine(warm_start(state, smooth), smooth, 1)
    assert state.is_smooth
    assert state.stage == Stage.WHOLE
    assert float(state.prior.steepness_weight) == 0.0


def test_a_phase_with_edges_is_not(wave_series):
    state, _ = settled(wave_series)
    assert float(tf.reduce_max(state.prior.roughness)) == 0.0
    assert float(state.prior.bending_weight) > 0.0


def advanced(series, settings, until):
    """Return the first state, step by step from a cold start, that ``until`` is true of."""
    state = cold_start(series, settings)
    while not until(state):
        assert state.steps < settings.max_steps
        state, _ = refine(state, series, 1)
    return state


def is_settled(state):
    return state.stage == Stage.SETTLED


def is_undamped_edges(state):
    return state.stage == Stage.EDGES and not state.is_damped


@pytest.mark.parametrize("reached", [is_undamped_edges, is_settled])
def test_looks_do_not_depend_on_how_steps_are_split(wave_series, reached):
    state = advanced(wave_series, SETTINGS, reached)
    whole, _ = refine(state, wave_series, 12)
    for part in (3, 4, 1, 4):
        state, _ = refine(state, wave_series, part)
    assert_same_bits(whole, state)


def test_the_whole_prior_is_weighed_round_by_round_and_then_left(wave_series):
    state = advanced(wave_series, SETTINGS, lambda state: state.stage == Stage.WHOLE)
    weighed = []
    before = state.steps
    while state.stage == Stage.WHOLE:
        state, report = refine(state, wave_series, SETTINGS.weighing_steps)
        assert report.steps == SETTINGS.weighing_steps
        weighed.append(state.prior)
    assert state.steps - before == WEIGHING_ROUNDS * SETTINGS.weighing_steps
    assert len({id(prior) for prior in weighed}) == WEIGHING_ROUNDS
    state, _ = refine(state, wave_series, 30)
    assert state.prior is weighed[-1]
    assert state.is_converged


def test_edges_that_never_stand_have_ten_rounds(wave_series):
    restless = SETTINGS.model_copy(update={"tolerance_rad": 1e-9})
    state = advanced(wave_series, restless, lambda state: state.stage == Stage.EDGES)
    before = state.steps
    while state.stage == Stage.EDGES:
        state, _ = refine(state, wave_series, 1)
    assert state.steps - before == MOST_EDGES_ROUNDS * restless.round_steps


def test_images_are_believed_step_by_step(wave_series):
    state = cold_start(wave_series, SETTINGS)
    edges = [replace(state, stage=Stage.EDGES, round=number) for number in range(5)]

    def believed(precision):
        of_images = precision * tf.ones_like(wave_series.precision)
        series = wave_series._replace(precision=of_images)
        of_rounds = [float(doubted(series, each).precision[0]) for each in (state, *edges)]
        return series, of_rounds

    clean, (begun, first, *others) = believed(1e5)
    assert begun == first < others[0] < others[1] < others[2] < others[3] < 1e5
    # One of noise is doubted once, when edges have begun to lock in.
    _, (begun, first, second, *others) = believed(1e2)
    assert begun == first == 1e2
    assert second == pytest.approx(1e2 / DOUBT**2)
    assert others == [1e2] * 3
    for sure in (replace(state, stage=Stage.WHOLE), replace(state, is_smooth=True)):
        assert doubted(clean, sure) is clean


def test_only_undamped_edges_end_a_round_before_its_length(wave_series):
    # So easily content that every look finds the phase at rest.
    content = SETTINGS.model_copy(update={"tolerance_rad": 10.0})
    state = advanced(wave_series, content, lambda state: state.stage == Stage.EDGES)
    lengths = {}
    while state.stage == Stage.EDGES:
        state, _ = refine(state, wave_series, 1)
        if state.step_in_round:
            lengths[state.is_damped] = state.step_in_round
    # The step that ends a round takes its count back to none.
    assert lengths == {True: content.round_steps - 1, False: LOOK_STEPS - 1}


@pytest.mark.parametrize("tolerance_rad", [1e-6, 10.0])
def test_the_last_search_goes_on_for_as_long_as_it_moves(wave_series, tolerance_rad):
    state = advanced(wave_series, SETTINGS, is_settled)
    settings = SETTINGS.model_copy(update={"tolerance_rad": tolerance_rad})
    state, report = refine(replace(state, settings=settings), wave_series, 2 * LOOK_STEPS)
    rests = tolerance_rad == 10.0
    assert state.is_converged == rests
    assert report.steps == (LOOK_STEPS if rests else 2 * LOOK_STEPS)


def test_a_search_that_stalls_on_its_way_is_begun_anew(wave_series):
    def is_under_way(state):
        return is_settled(state) and state.step_in_round == 1

    state = advanced(wave_series, SETTINGS, is_under_way)
    stalled = state.search._replace(is_stalled=tf.constant(True))
    far = replace(state, search=stalled, round_start=-state.phase)
    anew, _ = refine(far, wave_series, LOOK_STEPS - 1)
    assert not anew.is_converged
    assert anew.search is None
    anew, _ = refine(anew, wave_series, 1)
    assert not anew.search.is_stalled
    assert anew.prior is state.prior
    # Where it stalls without having moved there is nothing left to do.
    near = replace(state, search=stalled, round_start=state.phase, last_look=state.phase)
    rested, _ = refine(near, wave_series, LOOK_STEPS - 1)
    assert rested.is_converged


# From frame to frame


@pytest.mark.parametrize("coherence", COHERENCES)
def test_a_warm_start_beats_a_cold_one_at_equal_steps(acquire, model_of, coherence):
    acquisition = acquire(coherence=coherence)
    before, series = (model_of(acquisition, n_frames).series for n_frames in (3, 5))
    warm, _ = refine(cold_start(before, SETTINGS), before, 40)
    misfit = {}
    error = {}
    for name, start in {
        "warm": warm_start(warm, series),
        "cold": cold_start(series, SETTINGS),
    }.items():
        state, _ = refine(start, series, 8)
        misfit[name] = data_misfit(state, series)
        error[name] = phase_accuracy(state.phase.numpy(), acquisition.truth_phase_rad)
    assert misfit["warm"] < 0.9 * misfit["cold"]
    assert error["warm"].rms_rad < 0.8 * error["cold"].rms_rad


@tf.function(reduce_retracing=True)
def _misfit(unknowns, series):
    return objective_and_gradient(unknowns, series, no_prior(tuple(unknowns.shape[1:])))[0]


def data_misfit(state, series):
    return float(_misfit(state.unknowns, series))


def test_a_warm_start_keeps_the_phase_and_forgets_the_search(wave_series):
    state, _ = refine(cold_start(wave_series, SETTINGS), wave_series, 35)
    warm = warm_start(state, wave_series)
    np.testing.assert_array_equal(warm.unknowns, state.unknowns)
    assert warm.search is None
    assert (warm.stage, warm.step_in_round, warm.steps) == (state.stage, 0, 35)


def test_gentle_steps_that_are_done_count(wave_series):
    state, _ = refine(cold_start(wave_series, SETTINGS), wave_series, 15)
    state, _ = refine(warm_start(state, wave_series), wave_series, 5)
    assert state.stage == Stage.EDGES
    assert state.step_in_round == 0


def test_a_gentle_start_keeps_the_phase_and_forgets_its_prior(wave_series):
    state, _ = refine(cold_start(wave_series, SETTINGS), wave_series, 60)
    assert float(state.prior.steepness_weight) > 0.0
    again = gentle_start(state, wave_series)
    np.testing.assert_array_equal(again.unknowns, state.unknowns)
    state, _ = refine(again, wave_series, 1)
    assert state.stage == Stage.GENTLE
    assert float(state.prior.steepness_weight) == 0.0
    assert float(state.prior.bending_weight) == 0.0
    state, _ = refine(state, wave_series, SETTINGS.gentle_steps)
    assert state.stage == Stage.EDGES
    assert state.is_damped


def test_edges_are_damped_at_first_and_not_when_they_stand(wave_series):
    state, _ = refine(cold_start(wave_series, SETTINGS), wave_series, 21)
    assert state.stage == Stage.EDGES
    assert state.is_damped
    while state.stage == Stage.EDGES:
        assert state.steps < SETTINGS.max_steps
        last = state
        state, _ = refine(state, wave_series, 1)
    assert not last.is_damped
    assert state.moved_rad < EDGES_STAND * SETTINGS.tolerance_rad


def test_weak_data_that_come_again_and_again_are_not_flattened(weak_series):
    state = cold_start(weak_series, SETTINGS)
    steepness = []
    for _ in range(4):
        state, _ = refine(state, weak_series, 60)
        steepness.append(float(mean_steepness(state.phase, weak_series.weight)))
        state = warm_start(state, weak_series)
    assert min(steepness) > 0.7 * steepness[0]


def test_a_warm_start_wakes_a_search_that_rested(wave_series):
    rested, _ = settled(wave_series)
    state, report = refine(warm_start(rested, wave_series), wave_series, 4)
    assert report.steps == 4
    assert state.steps == rested.steps + 4


# Numerical trouble is a value


def broken(series):
    """Return the series with one pixel that is no number."""
    measured = series.measured.numpy()
    measured[0, 5, 5] = np.nan
    return series._replace(measured=tf.constant(measured))


def test_what_is_not_finite_is_reported_and_leaves_the_phase(series):
    good, _ = refine(cold_start(series, SETTINGS), series, 7)
    state, report = refine(warm_start(good, series), broken(series), 30)
    assert not report.is_finite
    assert not report.is_converged
    np.testing.assert_array_equal(state.phase, good.phase)


def test_after_trouble_the_same_state_goes_on_with_a_good_series(wave_series):
    state, report = refine(cold_start(wave_series, SETTINGS), broken(wave_series), 5)
    assert not report.is_finite
    state, report = refine(warm_start(state, wave_series), wave_series, 10)
    assert report.is_finite
    assert report.objective[-1] < report.objective[0]


def test_weak_data_are_not_flattened_round_by_round(weak_series):
    state = cold_start(weak_series, SETTINGS)
    steepness = []
    for _ in range(8):
        state, _ = refine(replace(state, is_converged=False), weak_series, 10)
        steepness.append(float(mean_steepness(state.phase, weak_series.weight)))
    assert steepness[-1] > 0.5 * steepness[2]
