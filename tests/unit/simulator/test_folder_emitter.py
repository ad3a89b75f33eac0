from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ltemlive.camera import Camera, CameraSettings
from ltemlive.errors import ConfigError, RecordingError
from ltemlive.formats.images import read_image
from ltemlive.formats.series import read_series
from ltemlive.series import SERIES_FILE, load_series_description
from simulator.acquisition import Acquisition
from simulator.folder_emitter import IN_PLACE_PIECES, DirectoryEmitter
from simulator.scenario import Scenario

ACQUISITION = Acquisition(
    Scenario.model_validate(
        {"specimen": {"size_px": 32, "margin_px": 8}, "defocus_nm": [0.0, 1e5, -1e5]}
    )
)
FRAMES = tuple(ACQUISITION.frames())


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_the_folder_holds_every_frame_and_its_description(tmp_path):
    folder = tmp_path / "share" / "series"
    emitter = DirectoryEmitter(folder)
    emitter.start(ACQUISITION.announcement)
    for frame in FRAMES:
        emitter.send(frame)
    emitter.end("success")

    description = load_series_description(folder / SERIES_FILE)
    assert description.series == "demo"
    assert description.microscope() == ACQUISITION.microscope
    assert [entry.defocus_nm for entry in description.frames] == [0.0, 1e5, -1e5]
    assert [entry.seq for entry in description.frames] == [0, 1, 2]
    for entry, frame in zip(description.frames, FRAMES, strict=True):
        np.testing.assert_array_equal(read_image(folder / entry.file), frame.image)
    assert visible(folder) == ["000000.tif", "000001.tif", "000002.tif", SERIES_FILE]
    assert len(list(folder.iterdir())) == 4


def test_a_file_written_in_place_grows_piece_by_piece(tmp_path):
    sizes, described = [], []

    def watch(_seconds: float) -> None:
        sizes.append((tmp_path / "000000.tif").stat().st_size)
        described.append(len(load_series_description(tmp_path / SERIES_FILE).frames))

    emitter = DirectoryEmitter(tmp_path, appearance="in_place", copy_s=1.0, sleep=watch)
    emitter.start(ACQUISITION.announcement)
    emitter.send(FRAMES[0])
    assert len(sizes) == IN_PLACE_PIECES
    assert sizes == sorted(set(sizes))
    assert set(described) == {1}
    np.testing.assert_array_equal(read_image(tmp_path / "000000.tif"), FRAMES[0].image)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_late_description_names_a_frame_only_after_its_image_is_there(tmp_path):
    described = []

    def watch(_seconds: float) -> None:
        described.append(len(load_series_description(tmp_path / SERIES_FILE).frames))

    emitter = DirectoryEmitter(
        tmp_path, appearance="in_place", described="after", sleep=watch
    )
    emitter.start(ACQUISITION.announcement)
    emitter.send(FRAMES[0])
    assert set(described) == {0}
    assert len(load_series_description(tmp_path / SERIES_FILE).frames) == 1


def test_a_folder_with_a_series_is_left_alone(tmp_path):
    DirectoryEmitter(tmp_path).start(ACQUISITION.announcement)
    before = (tmp_path / SERIES_FILE).read_bytes()
    with pytest.raises(ConfigError, match="choose an empty one"):
        DirectoryEmitter(tmp_path).start(ACQUISITION.announcement)
    assert (tmp_path / SERIES_FILE).read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RecordingError, match="cannot be written") as caught:
        DirectoryEmitter(tmp_path / "file" / "series").start(ACQUISITION.announcement)
    assert "\n" not in str(caught.value)


def test_a_series_that_is_played_again_takes_its_references_along(tmp_path):
    dark = np.full((32, 32), 7, np.uint16)
    settings = CameraSettings(dark="darks/today.mrc", flip="up_down")
    emitter = DirectoryEmitter(tmp_path)
    emitter.start(replace(ACQUISITION.announcement, camera=Camera(settings, dark)))
    for frame in FRAMES[:2]:
        emitter.send(frame)
    camera = read_series(tmp_path).camera
    assert camera.settings == CameraSettings(dark="dark.tif", flip="up_down")
    np.testing.assert_array_equal(camera.dark, dark)
