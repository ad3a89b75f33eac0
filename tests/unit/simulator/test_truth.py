from __future__ import annotations

import h5py
import numpy as np
import pytest

from ltemlive.errors import RecordingError
from ltemlive.formats.images import IMAGE_SUFFIXES
from ltemlive.formats.lists import LIST_SUFFIXES
from ltemlive.physics.induction import projected_induction
from ltemlive.sources.folder_plan import is_image_name
from simulator.acquisition import Acquisition
from simulator.scenario import Scenario
from simulator.truth import TRUTH_FILE, WithTruth, induction_t_nm, write_truth


def acquisition(**changes) -> Acquisition:
    document = {
        "specimen": {"size_px": 64, "margin_px": 16},
        "microscope": {"pixel_nm": 20.0},
        "defocus_nm": [0.0, -1e5, 1e5],
        **changes,
    }
    return Acquisition(Scenario.model_validate(document))


def test_the_file_tells_how_each_frame_was_really_taken(tmp_path):
    stage = {"defocus_scale": 1.1, "walk_px": 1.0, "rotation_deg_per_mm": 3.0}
    played = acquisition(stage=stage | {"domains_jump_at": 2})
    write_truth(tmp_path / TRUTH_FILE, played)
    with h5py.File(tmp_path / TRUTH_FILE) as file:
        frames = {key: values[()] for key, values in file["entry/frames"].items()}
        assert file["entry/frames/defocus_nm"].attrs["units"] == "nm"
    np.testing.assert_allclose(frames["stated_defocus_nm"], [0.0, -1e5, 1e5])
    np.testing.assert_allclose(frames["defocus_nm"], [0.0, -1.1e5, 1.1e5])
    assert frames["state"].tolist() == [0, 0, 1]
    expected = [truth.shift_px for truth in played.truths()]
    np.testing.assert_array_equal(frames["shift_px"], expected)
    for key in ("rotation_deg", "magnification", "contamination", "seq"):
        assert frames[key].shape == (3,)


def test_maps_are_those_of_the_frame_one_for_each_state(tmp_path):
    played = acquisition(stage={"domains_jump_at": 1})
    write_truth(tmp_path / TRUTH_FILE, played)
    with h5py.File(tmp_path / TRUTH_FILE) as file:
        entry = file["entry"]
        assert entry.attrs["default"] == "phase"
        phase = entry["phase/phase"][()]
        assert phase.shape == entry["induction/induction_y"].shape == (2, 64, 64)
        assert entry["phase/x"][1] == 20.0
        assert entry["amplitude/amplitude"][0].max() == pytest.approx(0.66, abs=0.01)
    np.testing.assert_array_equal(phase[0], played.truth_phase_rad)
    assert not np.allclose(phase[0], phase[1])


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_the_induction_has_the_sign_of_the_results(is_mirrored):
    phase = np.add.outer(np.linspace(0, 1, 20) ** 2, np.linspace(0, 3, 20))
    beam = "out_of_image" if is_mirrored else "into_image"
    found = induction_t_nm(phase, 5.0, is_mirrored=is_mirrored)
    theirs = projected_induction(phase.astype(np.float32), pixel_nm=5.0, beam=beam)
    inner = (..., slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(found[inner], theirs[inner], rtol=1e-3, atol=1e-3)


def test_a_watched_folder_never_takes_the_truth():
    assert not is_image_name(TRUTH_FILE, IMAGE_SUFFIXES)
    assert not TRUTH_FILE.endswith((*LIST_SUFFIXES, ".yaml", ".json"))


def test_the_truth_is_there_before_the_first_frame(tmp_path):
    played = WithTruth(
        acquisition(camera={"gain_spread": 0.1}),
        tmp_path / "aside" / "truth.nxs",
        keeps_references=True,
    )
    assert played.announcement.camera.changes_frames
    frames = played.frames()
    assert not (tmp_path / "aside").exists()
    next(frames)
    assert (tmp_path / "aside" / "truth.nxs").exists()
    assert (tmp_path / "aside" / "gain.tif").exists()


def test_a_disk_that_refuses_says_so_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="file: cannot be written"):
        write_truth(tmp_path / "file" / "truth.nxs", acquisition())
