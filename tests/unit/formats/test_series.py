import numpy as np
import pytest
import tifffile

from ltemlive.errors import ConfigError, FrameError
from ltemlive.formats.images import write_frame_tiff
from ltemlive.formats.series import read_series
from ltemlive.settings import MicroscopeSettings

HEAD = "voltage_kv: 200\npixel_nm: 5.0\nframes:\n"


def write_image(path, level=10.0, shape=(16, 18)):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = level + np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    write_frame_tiff(path, image, pixel_nm=5.0, defocus_nm=None, seq=0, durable=False)


def write_series(folder, *entries, head=HEAD):
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"  - {{{entry}}}\n" for entry in entries)
    (folder / "series.yaml").write_text(head + (lines or "  []\n"))
    return folder


@pytest.fixture
def folder(tmp_path):
    """A series of three frames whose first pixels are 10, 11 and 12."""
    for index in range(3):
        write_image(tmp_path / "holes" / f"f{index}.tif", level=10.0 + index)
    return write_series(
        tmp_path / "holes",
        "file: f0.tif, defocus_nm: -1600000, exposure_s: 2.0",
        "file: f1.tif, defocus_nm: 0",
        "file: f2.tif, defocus_nm: 1600000",
    )


def test_a_folder_is_read_in_the_order_of_acquisition(folder):
    series = read_series(folder)
    assert series.title == "holes"
    assert series.labels == ("f0.tif", "f1.tif", "f2.tif")
    assert [frame.meta.defocus_nm for frame in series.frames] == [-1.6e6, 0.0, 1.6e6]
    assert [frame.meta.seq for frame in series.frames] == [0, 1, 2]
    assert [frame.image[0, 0] for frame in series.frames] == [10.0, 11.0, 12.0]
    assert series.frames[0].meta.exposure_s == 2.0
    assert series.frames[0].meta.pixel_nm == series.microscope.pixel_nm == 5.0
    assert series.rejected == ()


def test_the_description_itself_names_its_series(folder):
    assert read_series(folder / "series.yaml").labels == read_series(folder).labels


def test_seq_orders_the_frames_whatever_the_list_says(folder):
    write_series(
        folder,
        "file: f2.tif, defocus_nm: 3, seq: 9",
        "file: f0.tif, defocus_nm: 1, seq: 4",
        "file: f1.tif, defocus_nm: 2, seq: 7",
    )
    series = read_series(folder)
    assert series.labels == ("f0.tif", "f1.tif", "f2.tif")
    assert [frame.meta.seq for frame in series.frames] == [4, 7, 9]


def test_two_frames_of_one_number_are_a_mistake(folder):
    write_series(
        folder,
        "file: f0.tif, defocus_nm: 1, seq: 1",
        "file: f1.tif, defocus_nm: 2",
    )
    with pytest.raises(ConfigError, match=r"frames\.1\.seq: .* got 1, which frames\.0 has"):
        read_series(folder)


def test_a_stack_is_read_page_by_page_through_its_sidecar(tmp_path):
    stack = np.arange(3 * 16 * 18, dtype=np.float32).reshape(3, 16, 18)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    write_image(tmp_path / "other.tif")
    write_series(
        tmp_path,
        "file: stack.tif, page: 0, defocus_nm: -1",
        "file: stack.tif, page: 2, defocus_nm: 1",
        "file: other.tif, defocus_nm: 5",
    )
    series = read_series(tmp_path / "stack.tif")
    assert series.title == "stack"
    assert series.labels == ("stack.tif", "stack.tif#2")
    np.testing.assert_array_equal(series.frames[1].image, stack[2])


def test_a_stack_that_its_sidecar_does_not_name_is_a_mistake(folder):
    write_image(folder / "other.tif")
    with pytest.raises(ConfigError, match=r"expected at least 2 entries for other\.tif"):
        read_series(folder / "other.tif")


def test_bad_frames_are_listed_and_the_rest_goes_on(folder):
    write_image(folder / "wide.tif", shape=(16, 20))
    (folder / "torn.tif").write_bytes((folder / "f0.tif").read_bytes()[:300])
    write_image(folder / "nan.tif", level=np.nan)
    tifffile.imwrite(folder / "blank.tif", np.full((16, 18), 65535, np.uint16))
    half = np.full((16, 18), 10.0, np.float32)
    half[8:] = 0.0
    tifffile.imwrite(folder / "half.tif", half)
    write_series(
        folder,
        "file: wide.tif, defocus_nm: 1",
        "file: f0.tif, defocus_nm: 1",
        "file: torn.tif, defocus_nm: 1",
        "file: nan.tif, defocus_nm: 1",
        "file: half.tif, defocus_nm: 1",
        "file: blank.tif, defocus_nm: 1",
        "file: gone.tif, defocus_nm: 1",
        "file: f1.tif, defocus_nm: 2",
    )
    series = read_series(folder)
    assert series.labels == ("f0.tif", "f1.tif")
    reasons = {bad.frame: bad.reason for bad in series.rejected}
    assert set(reasons) == {
        "wide.tif", "torn.tif", "nan.tif", "half.tif", "blank.tif", "gone.tif",
    }  # fmt: skip
    assert "expected shape (16, 18) as most frames have" in reasons["wide.tif"]
    assert "damaged" in reasons["torn.tif"]
    assert "no finite pixel" in reasons["nan.tif"]
    assert "zeros in the last 8 of 16 rows" in reasons["half.tif"]
    assert (
        "frame 5: expected an image, got the constant value 65535" in reasons["blank.tif"]
    )
    assert reasons["gone.tif"] == "gone.tif: no such file; check the name and the share"


def test_fewer_than_two_usable_frames_are_an_error_with_the_reasons(folder):
    (folder / "f1.tif").unlink()
    (folder / "f2.tif").unlink()
    with pytest.raises(
        FrameError, match=r"usable frames, got 1 of 3 \(f1\.tif: "
    ) as caught:
        read_series(folder)
    assert caught.value.exit_code == 2


def test_every_missing_defocus_is_named_by_its_key(folder):
    write_series(
        folder,
        "file: f0.tif",
        "file: f1.tif, defocus_nm: 0",
        "file: f2.tif, defocus_nm: null",
    )
    with pytest.raises(ConfigError) as caught:
        read_series(folder)
    first, second = str(caught.value).splitlines()
    assert "series.yaml: frames.0.defocus_nm: missing for f0.tif; add" in first
    assert "frames.2.defocus_nm: missing for f2.tif" in second


def test_a_lens_value_stands_for_a_defocus(folder):
    head = HEAD.replace("frames:", "lens_table: [[2400, 0], [2000, -1.6e6]]\nframes:")
    entries = ["file: f0.tif, lens_value: 2100", "file: f1.tif, lens_value: 2400"]
    write_series(folder, *entries, head=head)
    defoci = [frame.meta.defocus_nm for frame in read_series(folder).frames]
    assert defoci == pytest.approx([-1.2e6, 0.0])
    write_series(folder, *entries, "file: f2.tif, lens_value: 2800", head=head)
    with pytest.raises(ConfigError, match=r"frames\.2\.lens_value: .* add where 2800 is"):
        read_series(folder)


@pytest.mark.parametrize(
    "name", ["../f0.tif", "/etc/f0.tif", "a/../../f0.tif", "C:\\f0.tif", "..\\f0.tif", ""]
)
def test_a_name_cannot_lead_out_of_the_folder(folder, name):
    write_series(folder, f"file: '{name}', defocus_nm: 1", "file: f1.tif, defocus_nm: 2")
    with pytest.raises(ConfigError, match=r"frames\.0\.file: expected a name inside"):
        read_series(folder)


@pytest.mark.parametrize("name", ["gone", "gone.tif"])
def test_a_missing_path_is_named(tmp_path, name):
    with pytest.raises(ConfigError, match="no such file or folder"):
        read_series(tmp_path / name)


def test_a_folder_without_a_description_is_told_to_write_one(tmp_path):
    with pytest.raises(ConfigError, match=r"series\.yaml: no such file; describe"):
        read_series(tmp_path)


def test_an_empty_series_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError, match="expected at least 2 entries"):
        read_series(write_series(tmp_path / "s"))


def session_of(folder, *ordinals):
    session = folder / "session"
    for ordinal in ordinals:
        for index in range(2):
            write_image(session / "series" / ordinal / "frames" / f"{index:06d}.tif")
        write_series(
            session / "series" / ordinal,
            "file: frames/000000.tif, defocus_nm: 1, seq: 0",
            "file: frames/000001.tif, defocus_nm: 2, seq: 1",
            head="series: spirals\n" + HEAD,
        )
    session.mkdir(exist_ok=True)
    (session / "session.yaml").write_text("settings: {}\n")
    return session


def test_a_session_with_one_series_is_that_series(tmp_path):
    series = read_series(session_of(tmp_path, "0001"))
    assert series.title == "spirals"
    assert series.labels == ("000000.tif", "000001.tif")
    assert series.folder.name == "0001"


def test_a_session_with_several_series_names_them(tmp_path):
    session = session_of(tmp_path, "0001", "0002")
    with pytest.raises(ConfigError, match=r"one series, got: \S+0001 \S+0002$"):
        read_series(session)
    assert len(read_series(session / "series" / "0002").frames) == 2


def test_a_session_without_a_series_says_so(tmp_path):
    with pytest.raises(ConfigError, match="one series, got: none"):
        read_series(session_of(tmp_path))


def test_the_references_of_a_camera_are_read_with_the_frames(folder):
    with (folder / "series.yaml").open("a", encoding="utf-8") as stream:
        stream.write("camera: {dark: dark.tif, rotation_deg: 90}\n")
    write_image(folder / "dark.tif", level=3.0)
    series = read_series(folder)
    assert series.camera.settings.rotation_deg == 90.0
    assert series.camera.dark.shape == (16, 18)
    assert series.camera.gain is None


@pytest.mark.parametrize(
    ("camera", "told"),
    [
        ("{dark: ../dark.tif}", "camera.dark: expected a name inside this folder"),
        ("{gain: g.tif}", "camera.gain: "),
        ("{crop: [0, 0, 0, 8]}", "camera.crop"),
        ("{flip: sideways}", "camera.flip: expected"),
    ],
)
def test_a_camera_that_makes_no_sense_is_named_by_its_key(camera, told, folder):
    with (folder / "series.yaml").open("a", encoding="utf-8") as stream:
        stream.write(f"camera: {camera}\n")
    with pytest.raises(ConfigError) as caught:
        read_series(folder)
    assert str(folder / "series.yaml") in str(caught.value)
    assert told in str(caught.value)


# Lists of other programs, where there is no series.yaml


FLS = "3\nf2.tif\nf0.tif\nf1.tif\n2000\n"


def test_a_list_of_pylorentz_describes_a_folder_with_what_the_settings_say(folder):
    (folder / "series.yaml").unlink()
    (folder / "holes.fls").write_text(FLS)
    defaults = MicroscopeSettings(voltage_kv=300, pixel_nm=2, convergence_mrad=0.02)
    for path in (folder, folder / "holes.fls"):
        series = read_series(path, defaults)
        assert series.title == "holes"
        assert series.labels == ("f2.tif", "f0.tif", "f1.tif")
        assert [frame.meta.defocus_nm for frame in series.frames] == [2000.0, 0.0, -2000.0]
        assert series.microscope.convergence_mrad == 0.02
        assert (series.microscope.voltage_kv, series.microscope.pixel_nm) == (300.0, 2.0)


def test_a_list_alone_says_no_voltage(folder):
    (folder / "series.yaml").unlink()
    (folder / "holes.fls").write_text(FLS)
    with pytest.raises(
        ConfigError, match=r"holes\.fls: voltage_kv and pixel_nm: missing; add"
    ):
        read_series(folder)


def test_what_serialem_says_of_a_stack_needs_no_settings(tmp_path):
    pages = np.stack([np.arange(16 * 18).reshape(16, 18) + n for n in range(3)])
    tifffile.imwrite(tmp_path / "s.tif", pages.astype("<u2"), photometric="minisblack")
    sections = [f"[ZValue = {n}]\nDefocus = {n - 1}\n" for n in range(3)]
    text = "Voltage = 200\nPixelSpacing = 50\n" + "".join(sections)
    (tmp_path / "s.tif.mdoc").write_text(text)
    for path in (tmp_path, tmp_path / "s.tif"):
        series = read_series(path)
        assert series.labels == ("s.tif", "s.tif#1", "s.tif#2")
        assert [frame.meta.defocus_nm for frame in series.frames] == [1e3, 0.0, -1e3]
        assert (series.microscope.voltage_kv, series.microscope.pixel_nm) == (200.0, 5.0)


def test_movie_frames_are_not_taken_for_one_image(tmp_path):
    pages = np.zeros((3, 16, 18), "<u2")
    tifffile.imwrite(tmp_path / "s.tif", pages, photometric="minisblack")
    text = "Voltage = 200\nPixelSpacing = 50\n[FrameSet = 0]\nDefocus = 1\n"
    (tmp_path / "s.tif.mdoc").write_text(text)
    with pytest.raises(
        ConfigError, match=r"s\.tif: expected one image, got 3 movie frames"
    ):
        read_series(tmp_path)


def test_a_series_yaml_is_asked_before_any_list(folder):
    (folder / "holes.fls").write_text("nonsense")
    assert read_series(folder).labels == ("f0.tif", "f1.tif", "f2.tif")
