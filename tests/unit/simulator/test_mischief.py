from __future__ import annotations

import shutil

import pytest

from ltemlive.errors import FrameError, RecordingError
from ltemlive.formats.images import read_image
from ltemlive.series import SERIES_FILE, load_series_description
from simulator.acquisition import Acquisition
from simulator.folder_emitter import DirectoryEmitter
from simulator.mischief import FolderMischief
from simulator.scenario import Scenario

ACQUISITION = Acquisition(
    Scenario.model_validate(
        {"specimen": {"size_px": 32, "margin_px": 8}, "defocus_nm": [0.0, 1e5]}
    )
)
FRAMES = tuple(ACQUISITION.frames())


@pytest.fixture
def emitter(tmp_path):
    opened = DirectoryEmitter(tmp_path / "share")
    opened.start(ACQUISITION.announcement)
    return opened


def listed(emitter):
    folder = emitter.file_of(FRAMES[0]).parent
    return [entry.file for entry in load_series_description(folder / SERIES_FILE).frames]


def test_a_lost_frame_is_listed_and_not_there(emitter):
    FolderMischief(emitter).lose(FRAMES[0])
    assert listed(emitter) == ["000000.tif"]
    assert not emitter.file_of(FRAMES[0]).exists()


def test_a_file_is_cut_off_for_a_while_and_listed_once(emitter):
    pauses = []
    mischief = FolderMischief(emitter, cut_off_s=2.0, sleep=pauses.append)
    mischief.cut_off(FRAMES[0])
    assert pauses == [2.0]
    with pytest.raises(FrameError):
        read_image(emitter.file_of(FRAMES[0]))
    emitter.send(FRAMES[0])
    assert (read_image(emitter.file_of(FRAMES[0])) == FRAMES[0].image).all()
    assert listed(emitter) == ["000000.tif"]


def test_a_frame_that_is_saved_again_has_the_same_bytes_and_is_listed_once(emitter):
    emitter.send(FRAMES[0])
    before = emitter.file_of(FRAMES[0]).read_bytes()
    emitter.send(FRAMES[1])
    emitter.send(FRAMES[0])
    assert emitter.file_of(FRAMES[0]).read_bytes() == before
    assert listed(emitter) == ["000000.tif", "000001.tif"]


def test_rubbish_lies_beside_the_frame_and_is_not_listed(emitter):
    FolderMischief(emitter).litter(FRAMES[1], [b"not", b"", b" a TIFF"])
    file = emitter.file_of(FRAMES[1]).with_name("garbage_000001_df0.tif")
    assert file.read_bytes() == b"not a TIFF"
    assert listed(emitter) == []


def test_a_folder_that_went_away_is_one_line(emitter):
    shutil.rmtree(emitter.file_of(FRAMES[0]).parent)
    with pytest.raises(RecordingError, match="cannot be written") as caught:
        FolderMischief(emitter).litter(FRAMES[0], [b"x"])
    assert "\n" not in str(caught.value)
