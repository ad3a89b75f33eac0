import itertools
from types import SimpleNamespace

from ltemlive.engine.news import news_of_frames, news_of_problem
from ltemlive.events import AdviceGiven
from ltemlive.recon.evidence import Problem


def without(*set_aside):
    return SimpleNamespace(set_aside=set_aside)


def test_a_frame_is_told_when_it_goes_when_its_reason_changes_and_when_it_is_back():
    models = [
        None,
        without((3, "blank")),
        without((3, "blank"), (4, "by the user")),
        without((3, "shows another state"), (4, "by the user")),
        without((4, "by the user")),
    ]
    steps = itertools.pairwise(models)
    assert [news_of_frames(*step, 7) for step in steps] == [
        [AdviceGiven("frame 3 set aside: blank", "warning", 7)],
        [AdviceGiven("frame 4 set aside: by the user", "warning", 7)],
        [AdviceGiven("frame 3 set aside: shows another state", "warning", 7)],
        [AdviceGiven("frame 3 is used again", "info", 7)],
    ]


def test_each_kind_of_problem_is_told_once_and_too_few_frames_never():
    few, noise = Problem("few", "got 1"), Problem("noise", "nothing but noise")
    more_noise = noise._replace(text="nothing but noise in 3 images")
    steps = [(None, few), (few, noise), (noise, more_noise), (more_noise, None)]
    assert [news_of_problem(*step, 7) for step in steps] == [
        [],
        [AdviceGiven("no phase yet: nothing but noise", "warning", 7)],
        [],
        [],
    ]
