import itertools

import pytest

from ltemlive.daemon.showing import Over, left_of, shown


@pytest.fixture
def engine_of(laboratory, settings, frame_of, microscope):
    """Return a way to make the engine of a series, solved or not."""
    solver = laboratory.load(2)

    def made(ordinal, *, is_solved=True):
        engine = solver.engine(
            ordinal, "holes", microscope, settings.solver, itertools.count(ordinal), None
        )
        if is_solved:
            engine.add([frame_of(0), frame_of(1)])
            engine.refine(4)
        return engine

    return made


@pytest.mark.parametrize(
    ("opened", "over", "ordinal", "is_of"),
    [
        ((1, 2), None, None, 2),
        ((1, 2), None, 1, 1),
        ((1,), 2, None, 2),
        ((3,), 2, None, 3),
        ((3,), 2, 2, 2),
        ((), 4, None, 4),
    ],
)
def test_the_newest_series_is_shown_unless_another_is_wanted(
    engine_of, opened, over, ordinal, is_of
):
    engines = {number: engine_of(number) for number in opened}
    finished = None if over is None else left_of(engine_of(over))
    (view,) = shown(engines, finished, None, ordinal)
    assert view.ordinal == is_of


def test_nothing_is_left_of_an_engine_without_a_phase(engine_of):
    assert left_of(None) is None
    assert left_of(engine_of(1, is_solved=False)) is None


def test_of_a_result_without_its_frames_there_is_nothing_to_show(engine_of):
    estimate, _ = engine_of(1).newest
    (advice,) = shown({}, Over(estimate, None), 1, None)
    assert (advice.text, advice.ordinal) == ("nothing to show of holes", 1)
