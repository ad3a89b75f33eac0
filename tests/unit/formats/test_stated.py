import numpy as np
import pytest
import tifffile

from ltemlive.errors import FrameError
from ltemlive.formats.images import read_image, write_frame_tiff
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


def write_mrc(path, n_images, n_written=None):
    """Write a stack as SerialEM does: a header of 1024 bytes, then 16 x 17 int16 pages."""
    header = np.zeros(256, "<i4")
    header[:4] = (17, 16, n_images, 1)
    header[7:10] = header[:3]
    header[16:19] = (1, 2, 3)
    header[52] = int.from_bytes(b"MAP ", "little")
    header[53] = 0x4444
    pages = [(IMAGE + n).astype("<i2") for n in range(n_written or n_images)]
    path.write_bytes(header.tobytes() + b"".join(page.tobytes() for page in pages))


def test_a_file_says_how_many_images_it_holds(tmp_path):
    tifffile.imwrite(tmp_path / "s.tif", np.stack([IMAGE] * 4), photometric="minisblack")
    assert stated_facts(tmp_path / "s.tif").n_images == 4


def test_a_thumbnail_is_no_image_of_a_stack(tmp_path):
    with tifffile.TiffWriter(tmp_path / "s.tif") as tiff:
        tiff.write(IMAGE)
        tiff.write(IMAGE[:8, :8])
    assert stated_facts(tmp_path / "s.tif").n_images == 1


# RosettaSciIO's mrc reader leaves closing its file to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_so_does_a_file_of_another_format(tmp_path):
    pytest.importorskip("rsciio")
    write_mrc(tmp_path / "s.mrc", 3)
    assert stated_facts(tmp_path / "s.mrc").n_images == 3
    np.testing.assert_array_equal(read_image(tmp_path / "s.mrc", page=2), IMAGE + 2)


def test_a_damaged_or_missing_file_is_no_file_to_ask(tmp_path):
    (tmp_path / "f.tif").write_bytes(b"II*\0garbage")
    for name in ("f.tif", "no.tif"):
        with pytest.raises(FrameError, match=r"tif: expected a whole tif file"):
            stated_facts(tmp_path / name)


def test_a_file_that_is_no_image_says_nothing(tmp_path):
    assert stated_facts(tmp_path / "f.txt") == StatedFacts()
