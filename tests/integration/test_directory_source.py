"""The watched folder with real files; only the clock is ours.

A ``Script`` stands in for ``stop``: each time the source asks whether to go on, a second
has passed and the next thing happens in the folder. So nothing here depends on luck.
"""

import os
import shutil
import threading
import unicodedata
from itertools import chain

import numpy as np
import pytest
import tifffile

from ltemlive.arrivals import (
    FrameArrived,
    FrameRefused,
    ProducerHeard,
    SeriesAnnounced,
    SeriesClosed,
)
from ltemlive.camera import CameraSettings
from ltemlive.errors import ConfigError
from ltemlive.formats.images import write_frame_tiff
from ltemlive.settings import MicroscopeSettings
from ltemlive.sources.directory import END, DirectorySource
from ltemlive.sources.watching import FolderHints

SERIES = "voltage_kv: 200\npixel_nm: 5\n"
KNOWN = MicroscopeSettings(voltage_kv=200.0, pixel_nm=5.0)


class Script:
    """A clock, and what happens at each of its seconds."""

    def __init__(self, *steps):
        self._steps = list(steps)
        self.now = 100.0

    def clock(self):
        return self.now

    def is_set(self):
        if not self._steps:
            return True
        self.now += 1.0
        step = self._steps.pop(0)
        if step is not None:
            step()
        return False

    def wait(self, _timeout_s):
        return False


def image(value=0):
    rng = np.random.default_rng(value)
    return rng.integers(1, 1000, (32, 21)).astype("<u2")


def write(path, value=0, defocus_nm=None, seq=0):
    write_frame_tiff(
        path, image(value), pixel_nm=5.0, defocus_nm=defocus_nm, seq=seq, durable=False
    )


def describe(folder, *frames):
    lines = "".join(
        f"  - {{file: '{name}', defocus_nm: {defocus_nm}}}\n" for name, defocus_nm in frames
    )
    (folder / "series.yaml").write_text(f"{SERIES}frames:\n{lines}", encoding="utf-8")


def watch(folder, *steps, answer="stored", unanswered=(), idle_end_s=None, defaults=KNOWN):
    """Return everything that a source yields while the steps happen.

    A full disk answers nothing (``answer=None``), or not the labels in ``unanswered``, or
    not the "end".
    """
    script = Script(*steps)
    source = DirectorySource(
        folder,
        settle_ms=250,
        rescan_s=1.0,
        idle_end_s=idle_end_s,
        defaults=defaults,
        clock=script.clock,
    )
    arrivals = []
    for arrival in chain.from_iterable(source.arrivals(script)):
        if not isinstance(arrival, ProducerHeard):
            arrivals.append(arrival)
        if answer is not None and getattr(arrival, "label", "end") not in unanswered:
            source.acknowledge(arrival.receipt, answer)
    return arrivals


def frames(arrivals):
    return [arrival for arrival in arrivals if isinstance(arrival, FrameArrived)]


def labels(arrivals):
    return [arrival.label for arrival in frames(arrivals)]


def refusals(arrivals):
    return {a.label: a.reason for a in arrivals if isinstance(a, FrameRefused)}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "wire 3, Fläche"
    path.mkdir()
    return path


def test_what_is_there_already_is_taken_in_the_order_of_its_numbers(folder):
    for seq, name in enumerate(["f2.tif", "f10.tif", "f1.tif"]):
        write(folder / name, seq)
        os.utime(folder / name, (1e9 - seq, 1e9 - seq))
    (folder / "series.yaml").write_text(
        SERIES
        + "coherence: wave\nframes:\n"
        + "".join(
            f"  - {{file: f{n}.tif, defocus_nm: {n}, seq: {n}, exposure_s: 0.5}}\n"
            for n in (10, 1, 2)
        )
    )
    arrivals = watch(folder, None, None)
    assert isinstance(arrivals[0], SeriesAnnounced)
    assert arrivals[0].series == "wire 3, Fläche"
    assert arrivals[0].optics == {"coherence": "wave"}
    assert labels(arrivals) == ["f1.tif", "f2.tif", "f10.tif"]
    assert [frame.frame.meta.seq for frame in frames(arrivals)] == [1, 2, 10]
    meta = frames(arrivals)[0].frame.meta
    assert (meta.defocus_nm, meta.pixel_nm, meta.voltage_kv, meta.exposure_s) == (
        1.0,
        5.0,
        200.0,
        0.5,
    )
    assert np.array_equal(frames(arrivals)[0].frame.image, image(2))
    assert arrivals[-1] == SeriesClosed(
        arrivals[0].producer, arrivals[0].series, "success", n_sent=3, receipt=END
    )


def test_a_file_written_slowly_in_place_arrives_once_and_whole(folder, tmp_path):
    write(tmp_path / "whole.tif", 5)
    data = (tmp_path / "whole.tif").read_bytes()
    parts = [data[start : start + 300] for start in range(0, len(data), 300)]

    def append(part):
        with (folder / "f_df0.tif").open("ab") as stream:
            stream.write(part)

    steps = [lambda part=part: append(part) for part in parts]
    arrivals = watch(folder, *steps, None, None)
    assert labels(arrivals) == ["f_df0.tif"]
    assert np.array_equal(frames(arrivals)[0].frame.image, image(5))
    assert refusals(arrivals) == {}


def test_a_writer_that_pauses_in_mid_file_is_waited_for(folder, tmp_path):
    write(tmp_path / "whole.tif", 5)
    data = (tmp_path / "whole.tif").read_bytes()
    target = folder / "f_df0.tif"
    arrivals = watch(
        folder,
        lambda: target.write_bytes(data[:600]),
        *[None] * 6,
        lambda: target.write_bytes(data),
        *[None] * 3,
    )
    assert labels(arrivals) == ["f_df0.tif"]
    assert refusals(arrivals) == {}


def test_a_preallocated_copy_is_not_taken_before_its_end_is_there(folder, tmp_path):
    write(tmp_path / "whole.tif", 5)
    data = (tmp_path / "whole.tif").read_bytes()
    half = data[: len(data) // 2] + bytes(len(data) - len(data) // 2)
    target = folder / "f_df0.tif"

    def complete():
        target.write_bytes(data)
        os.utime(target, (2e9, 2e9))

    arrivals = watch(
        folder, lambda: target.write_bytes(half), *[None] * 5, complete, None, None
    )
    assert labels(arrivals) == ["f_df0.tif"]
    assert np.array_equal(frames(arrivals)[0].frame.image, image(5))


def test_a_half_copied_file_is_refused_when_patience_ends_and_welcome_when_whole(
    folder, tmp_path
):
    write(tmp_path / "whole.tif", 5)
    data = (tmp_path / "whole.tif").read_bytes()
    target = folder / "f_df0.tif"
    target.write_bytes(data[:900])
    arrivals = watch(folder, *[None] * 15, lambda: target.write_bytes(data), None, None)
    kinds = [type(arrival) for arrival in arrivals]
    assert kinds == [SeriesAnnounced, FrameRefused, FrameArrived, SeriesClosed]
    assert "copy it again" in refusals(arrivals)["f_df0.tif"]


def test_few_rows_of_zeros_are_believed_in_the_end(folder):
    dark_edge = image()
    dark_edge[-2:] = 0
    write_frame_tiff(
        folder / "f_df0.tif", dark_edge, pixel_nm=5.0, defocus_nm=0.0, seq=0, durable=False
    )
    assert labels(watch(folder, *[None] * 5)) == []
    assert labels(watch(folder, *[None] * 15)) == ["f_df0.tif"]


def test_atomic_renames_and_moves_from_outside_arrive_once(folder, tmp_path):
    write(folder / "x.tif.part", 1)
    write(tmp_path / "outside_-2um.tif", 2)
    arrivals = watch(
        folder,
        None,
        lambda: (folder / "x.tif.part").rename(folder / "x_-1um.tif"),
        lambda: shutil.move(tmp_path / "outside_-2um.tif", folder),
        None,
        None,
    )
    assert labels(arrivals) == ["x_-1um.tif", "outside_-2um.tif"]
    assert [frame.frame.meta.defocus_nm for frame in frames(arrivals)] == [-1e3, -2e3]


def test_other_files_are_left_alone(folder):
    for name in (".hidden.tif", "~x.tif", "x.part.tif", "notes.txt", "x.tif.tmp"):
        (folder / name).write_bytes(b"nothing of interest")
    (folder / "folder.tif").mkdir()
    assert watch(folder, None, None, None) == []


def test_a_frame_waits_for_a_description_that_comes_later(folder):
    for seq in range(3):
        write(folder / f"f{seq}.tif", seq)
    arrivals = watch(
        folder,
        *[None] * 20,
        lambda: describe(folder, ("f0.tif", 0), ("f1.tif", -1e5)),
        *[None] * 3,
        lambda: describe(folder, ("f0.tif", 0), ("f1.tif", -1e5), ("f2.tif", 1e5)),
        *[None] * 3,
    )
    assert labels(arrivals) == ["f0.tif", "f1.tif", "f2.tif"]
    assert [frame.frame.meta.defocus_nm for frame in frames(arrivals)] == [0.0, -1e5, 1e5]
    assert refusals(arrivals) == {}


def test_a_frame_that_knows_its_defocus_still_waits_for_the_microscope(folder):
    write(folder / "f0.tif", defocus_nm=7.0)
    arrivals = watch(
        folder,
        *[None] * 5,
        lambda: (folder / "series.yaml").write_text(SERIES + "border: periodic"),
        None,
        None,
        defaults=MicroscopeSettings(),
    )
    assert arrivals[0].optics == {"border": "periodic"}
    assert labels(arrivals) == ["f0.tif"]
    assert frames(arrivals)[0].frame.meta.voltage_kv == 200.0


def test_a_reference_of_the_camera_is_no_frame_wherever_it_is_named(folder):
    write(folder / "f0.tif", defocus_nm=1e5)
    write(folder / "dark.tif", defocus_nm=0.0)
    camera = CameraSettings(dark=str(folder / "dark.tif"))
    arrivals = watch(
        folder, *[None] * 5, defaults=KNOWN.model_copy(update={"camera": camera})
    )
    assert labels(arrivals) == ["f0.tif"]
    assert refusals(arrivals) == {}


def test_a_camera_described_beside_the_frames_is_announced(folder):
    write(folder / "f0.tif", defocus_nm=1e5)
    write(folder / "dark.tif")
    described = SERIES + "camera: {dark: dark.tif, flip: up_down}"
    (folder / "series.yaml").write_text(described)
    announced, *arrivals = watch(folder, *[None] * 5)
    assert announced.camera.settings == CameraSettings(dark="dark.tif", flip="up_down")
    assert announced.camera.dark.shape == frames(arrivals)[0].frame.image.shape
    assert labels(arrivals) == ["f0.tif"]
    assert refusals(arrivals) == {}


def test_a_frame_that_knows_the_value_of_its_lens_brings_it_with_the_table(folder):
    write(folder / "f0.tif")
    table = "lens_table: [[2000, 0], [2400, 1.0e5]]"
    entry = "frames: [{file: f0.tif, lens_value: 2100}]"
    (folder / "series.yaml").write_text(f"{SERIES}{table}\n{entry}\n")
    arrivals = watch(folder, None, None)
    assert arrivals[0].optics == {"lens_table": ((2000.0, 0.0), (2400.0, 1e5))}
    (frame,) = frames(arrivals)
    assert frame.frame.meta.defocus_nm is None
    assert frame.frame.meta.meta["lens_value"] == 2100.0


def test_a_frame_whose_defocus_never_came_is_refused_at_the_end(folder):
    write(folder / "f0.tif", 0, defocus_nm=0.0)
    write(folder / "f1.tif", 1, seq=1)
    arrivals = watch(folder, None, None, None)
    assert labels(arrivals) == ["f0.tif"]
    assert "no defocus known" in refusals(arrivals)["f1.tif"]


def test_a_series_that_may_go_on_is_abandoned_by_a_stop(folder):
    write(folder / "f0_df0.tif")
    assert watch(folder, None, None)[-1].exit_status == "abandoned"
    describe(folder, ("f0_df0.tif", 0))
    assert watch(folder, None, None)[-1].exit_status == "success"
    write(folder / "f1_df5nm.tif", 1)
    assert watch(folder, None, None)[-1].exit_status == "abandoned"


def test_what_nobody_took_of_a_complete_list_may_come_again(folder):
    write(folder / "f0.tif")
    describe(folder, ("f0.tif", 0))
    assert watch(folder, *[None] * 3, answer=None)[-1].exit_status == "abandoned"


def test_an_end_that_the_disk_refused_comes_again(folder):
    write(folder / "f0_df0.tif")
    arrivals = watch(folder, *[None] * 9, idle_end_s=5.0, unanswered=("end",))
    ends = [each.exit_status for each in arrivals if isinstance(each, SeriesClosed)]
    assert ends[:2] == ["success"] * 2


def test_a_series_does_not_end_before_the_disk_has_its_images(folder):
    write(folder / "f0_df0.tif")
    write(folder / "f1_df5nm.tif", 1)
    arrivals = watch(folder, *[None] * 20, idle_end_s=5.0, unanswered=("f1_df5nm.tif",))
    assert labels(arrivals)[:1] == ["f0_df0.tif"]
    assert len(labels(arrivals)) > 5
    assert arrivals[-1].exit_status == "abandoned"


def test_a_series_that_ended_by_being_idle_is_a_success_without_a_list(folder):
    write(folder / "f0_df0.tif")
    arrivals = watch(folder, *[None] * 12, idle_end_s=5.0)
    assert arrivals[-1].exit_status == "success"


def test_a_listed_frame_that_never_came_is_told_and_the_series_is_not_a_success(folder):
    write(folder / "f0.tif")
    describe(folder, ("f0.tif", 0), ("f1.tif", 5))
    arrivals = watch(folder, None, None)
    assert "had not come" in refusals(arrivals)["f1.tif"]
    assert arrivals[-1].exit_status == "abandoned"
    assert arrivals[-1].n_sent == 1


def test_a_listed_frame_that_was_taken_may_go_away(folder):
    write(folder / "f0.tif")
    describe(folder, ("f0.tif", 0))
    arrivals = watch(folder, None, None, (folder / "f0.tif").unlink, None)
    assert (labels(arrivals), refusals(arrivals)) == (["f0.tif"], {})
    assert arrivals[-1].exit_status == "success"


def test_a_file_still_growing_at_the_end_is_refused(folder):
    write(folder / "f0_df0.tif")
    arrivals = watch(folder, None, None, lambda: write(folder / "f1_df1nm.tif", 1))
    assert labels(arrivals) == ["f0_df0.tif"]
    assert "still being written" in refusals(arrivals)["f1_df1nm.tif"]


def test_the_same_content_saved_again_is_ignored_and_other_content_is_a_conflict(folder):
    path = folder / "f_df0.tif"

    def save_again(value, mtime_s):
        write(path, value)
        os.utime(path, (mtime_s, mtime_s))

    write(path, 1)
    arrivals = watch(folder, None, None, lambda: save_again(1, 2e9), None, None, None)
    assert labels(arrivals) == ["f_df0.tif"]
    assert refusals(arrivals) == {}
    arrivals = watch(folder, None, None, lambda: save_again(2, 2.1e9), None, None, None)
    assert labels(arrivals) == ["f_df0.tif"]
    assert "other content" in refusals(arrivals)["f_df0.tif"]


def test_what_is_not_acknowledged_is_offered_again(folder):
    write(folder / "f_df0.tif")
    arrivals = watch(folder, *[None] * 4, answer=None)
    assert labels(arrivals) == ["f_df0.tif"] * 3
    assert arrivals[-1].n_sent == 0
    assert "recorded" in refusals(arrivals)["f_df0.tif"]


def test_the_listed_pages_of_a_stack_are_frames_of_their_own(folder):
    stack = np.stack([image(n) for n in range(3)])
    tifffile.imwrite(folder / "stack.tif", stack, photometric="minisblack")
    (folder / "series.yaml").write_text(
        SERIES
        + "frames: [{file: stack.tif, page: 2, defocus_nm: 5}, "
        + "{file: stack.tif, page: 7, defocus_nm: 6}, {file: stack.tif, defocus_nm: 0}]"
    )
    arrivals = watch(folder, *[None] * 15)
    assert labels(arrivals) == ["stack.tif#2", "stack.tif"]
    assert np.array_equal(frames(arrivals)[0].frame.image, image(2))
    assert "page" in refusals(arrivals)["stack.tif#7"]


def test_a_name_whose_accents_the_share_takes_apart_is_the_listed_one(folder):
    write(folder / unicodedata.normalize("NFD", "Fläche 1.tif"))
    describe(folder, ("Fläche 1.tif", 7))
    arrivals = watch(folder, None, None)
    assert labels(arrivals) == ["Fläche 1.tif"]
    assert arrivals[-1].exit_status == "success"


def test_a_complete_series_ends_when_it_has_been_idle(folder):
    write(folder / "f0.tif")
    describe(folder, ("f0.tif", 0), ("f1.tif", 5))
    arrivals = watch(
        folder,
        *[None] * 20,
        lambda: write(folder / "f1.tif", 1),
        *[None] * 8,
        lambda: write(folder / "f2_df9nm.tif", 2),
        *[None] * 3,
        idle_end_s=5.0,
    )
    kinds = [type(arrival) for arrival in arrivals]
    assert kinds == [
        SeriesAnnounced,
        FrameArrived,
        FrameArrived,
        SeriesClosed,
        FrameRefused,
    ]
    assert arrivals[3].exit_status == "success"
    assert "after the series had ended" in arrivals[4].reason


def test_what_was_refused_when_the_series_ended_is_not_refused_again(folder):
    write(folder / "f0_df0.tif")
    write(folder / "f1.tif", 1)
    arrivals = watch(folder, *[None] * 20, idle_end_s=5.0)
    assert any(isinstance(arrival, SeriesClosed) for arrival in arrivals)
    assert [a.label for a in arrivals if isinstance(a, FrameRefused)] == ["f1.tif"]
    assert "no defocus known" in refusals(arrivals)["f1.tif"]


def test_what_is_wanted_of_a_frame_is_passed_on(folder):
    write(folder / "f0.tif", 1)
    write(folder / "f1.tif", 2)
    (folder / "series.yaml").write_text(
        SERIES + "frames: [{file: f0.tif, defocus_nm: 0}, "
        "{file: f1.tif, defocus_nm: 5, use: false}]"
    )
    arrivals = watch(folder, None, None)
    assert [each.frame.meta.use for each in frames(arrivals)] == [None, False]


def test_statements_that_differ_are_told(folder):
    write(folder / "f_-4um.tif")
    describe(folder, ("f_-4um.tif", -150000))
    arrivals = watch(folder, None, None)
    meta = frames(arrivals)[0].frame.meta
    assert meta.defocus_nm == -150000.0
    assert meta.meta["defocus_from"] == "series.yaml"
    assert "-4000 nm" in meta.meta["defocus_conflict"]


def test_a_folder_that_goes_away_and_comes_back_loses_nothing(folder, tmp_path):
    write(folder / "f0_df0.tif")
    away = tmp_path / "away"
    arrivals = watch(
        folder,
        None,
        lambda: folder.rename(away),
        None,
        lambda: write(away / "f1_df5nm.tif", 1),
        lambda: away.rename(folder),
        None,
        None,
    )
    assert sorted(labels(arrivals)) == ["f0_df0.tif", "f1_df5nm.tif"]
    assert refusals(arrivals) == {}


def test_a_missing_folder_is_a_wrong_setting(tmp_path):
    with pytest.raises(
        ConfigError, match=r"input\.folder: expected a folder, got .*nowhere"
    ):
        DirectorySource(tmp_path / "nowhere", settle_ms=250, rescan_s=1.0)


def test_a_change_in_the_folder_wakes_the_reader(folder):
    with FolderHints(folder) as hints:
        write(folder / "f.tif")
        assert hints.wait(10.0)


def test_no_thread_is_left_when_the_watch_ends(folder):
    before = set(threading.enumerate())
    watch(folder, None)
    assert set(threading.enumerate()) <= before
