import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.errors import ConfigError
from ltemlive.formats.listed import ImageList, ListedImage
from ltemlive.formats.mdoc import parse_mdoc

STACK = """PixelSpacing = 20.5
Voltage = 200
ImageFile = holes.mrc
ImageSize = 2048 2048
DataMode = 1

[T = SerialEM: Column 25-Mar-21 16:59:53]

[ZValue = 0]
TiltAngle = 0.001
Defocus = -1600.5
ExposureTime = 0.5

[ZValue = 1]
Defocus = 0
PixelSpacing = 20.6
TargetDefocus = -4

[ZValue = 2]
Defocus = 1600.5
"""


def test_each_section_of_a_stack_is_a_page_and_its_sign_is_turned():
    assert parse_mdoc(STACK, name="holes.mrc.mdoc") == ImageList(
        (
            ListedImage("holes.mrc", 0, 1600.5e3, exposure_s=0.5, pixel_nm=2.05),
            ListedImage("holes.mrc", 1, 0.0, pixel_nm=2.06),
            ListedImage("holes.mrc", 2, -1600.5e3, pixel_nm=2.05),
        ),
        voltage_kv=200.0,
    )


def test_a_description_that_is_named_otherwise_says_whose_it_is():
    images = parse_mdoc(STACK, name="holes.mdoc").images
    assert {image.file for image in images} == {"holes.mrc"}
    assert parse_mdoc("[ZValue = 0]\nDefocus = 1", name="holes.mdoc").images == ()


@pytest.mark.parametrize(
    ("name", "text", "file"),
    [
        ("run.idoc", "Voltage = 300\n[Image = a 1.tif]\nDefocus = -2", "a 1.tif"),
        ("a.tif.mdoc", "[FrameSet = 0]\nDefocus = -2\nNumSubFrames = 8", "a.tif"),
        ("a.mdoc", "[FrameSet = 0]\nSubFramePath = D:\\x\\a.tif\nDefocus = -2", "a.tif"),
    ],
)
def test_files_of_their_own_are_told_of_too(name, text, file):
    assert parse_mdoc(text, name=name).images == (
        ListedImage(file, 0, 2e3, is_whole_file="FrameSet" in text),
    )


def test_the_last_section_of_an_image_holds_and_others_are_left_alone():
    other = "[MontSection = 0]\nDefocus = 7\n"
    text = f"[ZValue = 0]\nDefocus = 1\n{other}[ZValue = 0]\nDefocus = 2"
    assert parse_mdoc(text, name="s.mrc.mdoc").images == (ListedImage("s.mrc", 0, -2e3),)


def test_an_image_without_defocus_is_listed_without():
    text = "[ZValue = 0]\nTiltAngle = 1\n[ZValue = x]\nDefocus = 1"
    assert parse_mdoc(text, name="s.mrc.mdoc").images == (ListedImage("s.mrc"),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[ZValue = 3]\nDefocus = much", "[ZValue = 3]: Defocus: expected a number"),
        ("[ZValue = 3]\nDefocus = nan", "[ZValue = 3]: Defocus: expected a number"),
        ("[ZValue = 3]\nPixelSpacing = -1", "PixelSpacing: expected a number from 0"),
        ("Voltage = 200000", "Voltage: expected a number from 10 to 3000, got '200000'"),
    ],
)
def test_a_value_that_is_none_is_named(text, told):
    with pytest.raises(ConfigError) as refused:
        parse_mdoc(text, name="s.mrc.mdoc")
    assert str(refused.value).startswith("s.mrc.mdoc: ")
    assert told in str(refused.value)


@given(st.floats(-1e6, 1e6))
def test_micrometres_become_nanometres_of_the_other_sign(defocus_um):
    (image,) = parse_mdoc(
        f"[ZValue = 0]\nDefocus = {defocus_um!r}", name="s.mrc.mdoc"
    ).images
    assert image.defocus_nm == pytest.approx(-1e3 * defocus_um)


@given(st.text(max_size=80))
def test_any_text_is_a_description_or_is_refused(text):
    with contextlib.suppress(ConfigError):
        parse_mdoc(f"[ZValue = 0]\n{text}", name="s.mrc.mdoc")
