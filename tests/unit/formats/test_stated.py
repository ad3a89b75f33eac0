import numpy as np
import pytest
import tifffile

from ltemlive.formats.images import write_frame_tiff
from ltemlive.formats.stated import StatedFacts, stated_facts

IMAGE = np.arange(16 * 17, dtype="<u2").reshape(16, 17)


@pytest.mark.parametrize("defocus_nm", [-1_600_000.0, 0.0, None])
def test_our_own_frames_say_seq_and_defocus(tmp_path, defocus_nm):
    path = tmp_path / "f.tif"
    write_frame_tiff(
        path, IMAGE, pixel_nm=5.0, defocus_nm=defocus_nm, seq=12, durable=False
    )
    assert stated_facts(path) == StatedFacts(seq=12, defocus_nm=defocus_nm)


@pytest.mark.parametrize(
    "description", ["", "a camera", "seq=x\ndefocus_nm=nan", "seq=-1", "seq==4"]
)
def test_a_foreign_or_senseless_description_says_nothing(tmp_path, description):
    path = tmp_path / "f.tif"
    tifffile.imwrite(path, IMAGE, description=description, metadata=None)
    assert stated_facts(path) == StatedFacts()


def test_a_damaged_or_missing_file_says_nothing(tmp_path):
    (tmp_path / "f.tif").write_bytes(b"II*\0garbage")
    assert stated_facts(tmp_path / "f.tif") == StatedFacts()
    assert stated_facts(tmp_path / "no.tif") == StatedFacts()
    assert stated_facts(tmp_path / "f.dm4") == StatedFacts()
