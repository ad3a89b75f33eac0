from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from rsciio.tiff import file_reader

from ltemlive.errors import FrameError, RecordingError
from ltemlive.formats import foreign
from ltemlive.formats.images import (
    read_image,
    write_frame_tiff,
    write_map_tiff,
    zero_rows_at_end,
)
from ltemlive.frames import PIXEL_TYPES, Frame, FrameMeta

REAL_FILES = Path(__file__).parents[4] / "shared" / "data" / "formats"


def speckle(shape=(20, 24), seed=1):
    return np.random.default_rng(seed).uniform(1.0, 200.0, shape).astype(np.float32)


def write_speckle(path, **changes):
    facts = {"pixel_nm": 5.0, "defocus_nm": -1.5e5, "seq": 12, "durable": False} | changes
    write_frame_tiff(path, speckle(), **facts)
    return path


@given(
    image=st.sampled_from(PIXEL_TYPES).flatmap(
        lambda dtype: st_numpy.arrays(
            dtype,
            st_numpy.array_shapes(min_dims=2, max_dims=2, min_side=16, max_side=33),
            elements={"allow_nan": False} if dtype[1] == "f" else None,
        )
    )
)
@settings(max_examples=30, deadline=None)
def test_a_frame_comes_back_with_every_value_as_it_was(tmp_path_factory, image):
    path = tmp_path_factory.mktemp("frames") / "f.tif"
    write_frame_tiff(path, image, pixel_nm=5.0, defocus_nm=None, seq=0, durable=False)
    back = read_image(path)
    assert back.dtype == image.dtype.newbyteorder("<")
    np.testing.assert_array_equal(back, image)


def test_a_big_endian_frame_stays_big_endian_on_the_disk(tmp_path):
    image = speckle().astype(">u2")
    write_frame_tiff(
        tmp_path / "f.tif", image, pixel_nm=5.0, defocus_nm=0.0, seq=0, durable=True
    )
    with tifffile.TiffFile(tmp_path / "f.tif") as tiff:
        assert tiff.byteorder == ">"
    assert image.tobytes() in (tmp_path / "f.tif").read_bytes()


def test_hyperspy_reads_the_pixel_of_a_frame_in_nm(tmp_path):
    signal = file_reader(write_speckle(tmp_path / "f.tif", pixel_nm=3.1388))[0]
    assert [axis["units"] for axis in signal["axes"]] == ["nm", "nm"]
    assert [axis["scale"] for axis in signal["axes"]] == pytest.approx([3.1388] * 2)


def test_imagej_reads_pixel_defocus_and_number_of_a_frame(tmp_path):
    with tifffile.TiffFile(write_speckle(tmp_path / "f.tif")) as tiff:
        metadata = tiff.imagej_metadata
        resolution = tiff.pages[0].tags["XResolution"].value
    assert metadata["unit"] == "nm"
    assert resolution[1] / resolution[0] == pytest.approx(5.0)
    assert metadata["seq"] == 12
    assert metadata["defocus_nm"] == -1.5e5


def test_a_frame_without_pixel_size_claims_none(tmp_path):
    path = write_speckle(tmp_path / "f.tif", pixel_nm=None, defocus_nm=None)
    with tifffile.TiffFile(path) as tiff:
        assert "unit" not in tiff.imagej_metadata
        assert "defocus_nm" not in tiff.imagej_metadata


@pytest.mark.parametrize("shape", [(20, 24), (2, 20, 24)])
def test_both_hyperspy_and_imagej_read_a_map_calibrated(tmp_path, shape):
    path = tmp_path / "phase.tif"
    labels = ("d/dy", "d/dx")[: 1 if len(shape) == 2 else 2]
    write_map_tiff(path, speckle(shape), pixel_nm=1.25, unit="rad", labels=labels)

    signal = file_reader(path)[0]
    assert signal["data"].shape == shape
    assert [axis["units"] for axis in signal["axes"]][-2:] == ["nm", "nm"]
    assert [axis["scale"] for axis in signal["axes"]][-2:] == pytest.approx([1.25] * 2)
    assert signal["metadata"]["Signal"]["quantity"] == "rad"

    with tifffile.TiffFile(path) as tiff:
        metadata = tiff.imagej_metadata
        assert tiff.series[0].shape == shape
    assert metadata["unit"] == "nm"
    assert metadata["vunit"] == "rad"
    assert np.atleast_1d(metadata["Labels"]).tolist() == list(labels)


def test_each_page_of_a_stack_can_be_read(tmp_path):
    stack = speckle((3, 20, 24))
    write_map_tiff(tmp_path / "s.tif", stack, pixel_nm=1.0, unit="1", labels=("", "", ""))
    for page in range(3):
        np.testing.assert_array_equal(
            read_image(tmp_path / "s.tif", page=page), stack[page]
        )
    with pytest.raises(FrameError, match=r"expected a page of 0\.\.2, got page 3"):
        read_image(tmp_path / "s.tif", page=3)


@pytest.mark.parametrize(
    ("stored", "given"),
    [("?", "|u1"), ("i1", "<i2"), ("f2", "<f4"), ("u8", "<f8"), ("i8", "<f8")],
)
def test_other_pixel_types_come_in_one_that_holds_them(tmp_path, stored, given):
    image = (speckle() > 100.0).astype(stored)
    tifffile.imwrite(tmp_path / "f.tif", image)
    back = read_image(tmp_path / "f.tif")
    assert back.dtype.str == given
    np.testing.assert_array_equal(back, image)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((20, 24, 3), np.uint8), "expected one grey image"),
        (np.zeros((20, 24), np.complex64), "expected real grey values, got complex64"),
    ],
)
def test_what_is_no_grey_image_is_refused(tmp_path, content, message):
    tifffile.imwrite(tmp_path / "f.tif", content)
    with pytest.raises(FrameError, match=message):
        read_image(tmp_path / "f.tif")


def test_an_unknown_ending_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(FrameError, match=r"f\.txt: expected a file of \.tif"):
        read_image(tmp_path / "f.txt")
    with pytest.raises(FrameError, match=r"f\.tif: no such file"):
        read_image(tmp_path / "f.tif")


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_a_file_cut_short_anywhere_is_refused_in_one_line(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    whole = write_speckle(folder / "f.tif").read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    (folder / "f.tif").write_bytes(whole[:cut])
    with pytest.raises(FrameError, match=r"^[^\n]*f\.tif: expected a whole tif image"):
        read_image(folder / "f.tif")


def test_a_file_cut_short_behind_its_header_has_no_image(tmp_path):
    path = write_speckle(tmp_path / "f.tif")
    path.write_bytes(path.read_bytes()[:8])
    with pytest.raises(FrameError, match=r"f\.tif: expected a whole tif image, got a dam"):
        read_image(path)


@given(noise=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=20))
@settings(max_examples=50, deadline=None)
def test_a_damaged_header_gives_an_image_or_one_line(tmp_path_factory, noise):
    path = write_speckle(tmp_path_factory.mktemp("damaged") / "f.tif")
    damaged = bytearray(path.read_bytes())
    for position, value in noise:
        damaged[position] = value
    path.write_bytes(damaged)
    problem = None
    try:
        image = read_image(path)
    except FrameError as error:
        problem = str(error)
    assert image.ndim == 2 if problem is None else "\n" not in problem


def test_a_preallocated_half_copied_tiff_shows_as_zero_rows(tmp_path):
    path = write_speckle(tmp_path / "f.tif")
    whole = path.read_bytes()
    assert zero_rows_at_end(read_image(path)) == 0
    path.write_bytes(whole[: len(whole) // 2].ljust(len(whole), b"\0"))
    assert zero_rows_at_end(read_image(path)) == pytest.approx(10, abs=3)


def test_a_blank_image_has_no_zero_rows_at_its_end():
    assert zero_rows_at_end(np.zeros((16, 16))) == 0


def test_a_missing_reader_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(foreign._READERS, ".dm4", "rsciio.not_installed")
    (tmp_path / "f.dm4").write_bytes(b"x")
    with pytest.raises(FrameError, match=r"needs RosettaSciIO; pip install"):
        read_image(tmp_path / "f.dm4")


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path):
    (tmp_path / "f.dm4").write_bytes(b"not a DigitalMicrograph file at all")
    with pytest.raises(FrameError, match=r"f\.dm4: expected a whole dm4 image"):
        read_image(tmp_path / "f.dm4")


def test_a_frame_cannot_be_written_into_a_missing_folder(tmp_path):
    with pytest.raises(RecordingError, match="put the folder back"):
        write_speckle(tmp_path / "gone" / "f.tif")


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("test_loading_image_saved_with_DM.tif", (68, 68), "<i4"),
        ("test_loading_image_saved_with_DM_stack.tif", (68, 68), "<f4"),
        ("test_loading_image_saved_with_imageJ.tif", (68, 68), "<f4"),
        ("test_loading_image_saved_with_imageJ_stack.tif", (68, 68), "<f4"),
        ("test_dm_image_um_unit.dm3", (68, 68), "<i4"),
        ("test-1.dm4", (2, 2), "<i2"),
        ("velox_ceta_tem_300kv.emd", (512, 512), "<i2"),
        ("128x128-TEM_search.emi", (128, 128), "<i4"),
        ("128x128-TEM_search_1.ser", (128, 128), "<i4"),
        ("ncempy_temp.mrc", (128, 128), "<f4"),
    ],
)
# RosettaSciIO's mrc reader leaves closing its file to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_files_of_microscope_software_are_read(name, shape, dtype):
    image = read_image(REAL_FILES / name)
    assert image.shape == shape
    assert image.dtype.str == dtype
    if min(shape) >= 16:
        assert Frame(FrameMeta(0), image).image.std() > 0.0


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize("name", ["ncempy_temp.mrc", "test_stackbuilder_imagestack.dm3"])
# RosettaSciIO's mrc reader leaves closing its file to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_pages_of_foreign_stacks_differ(name):
    first, second = (read_image(REAL_FILES / name, page=page) for page in (0, 1))
    assert first.shape == second.shape
    assert (first != second).any()


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs ../shared/data")
def test_a_complex_dm4_is_no_image():
    with pytest.raises(FrameError, match="expected real grey values, got complex64"):
        read_image(REAL_FILES / "test-3.dm4")
