import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltemlive.errors import ConfigError
from ltemlive.formats.fls import parse_fls
from ltemlive.formats.listed import ImageList, ListedImage

FIVE = """5
-im2.dm3
-im1.dm3
0 im.dm3
+im1.dm3
+im2.dm3
150000
1.6e6
"""


def test_a_list_goes_from_underfocus_through_focus_to_overfocus():
    assert parse_fls(FIVE, where="holes.fls") == ImageList(
        (
            ListedImage("-im2.dm3", 0, 1.6e6),
            ListedImage("-im1.dm3", 0, 150e3),
            ListedImage("0 im.dm3", 0, 0.0),
            ListedImage("+im1.dm3", 0, -150e3),
            ListedImage("+im2.dm3", 0, -1.6e6),
        )
    )


def test_a_name_that_comes_again_is_the_next_page_of_a_stack():
    images = parse_fls("3\ns.tif\r\ns.tif\n\n s.tif \n200", where="s.fls").images
    assert [(image.file, image.page) for image in images] == [
        ("s.tif", n) for n in range(3)
    ]
    assert [image.defocus_nm for image in images] == [200.0, 0.0, -200.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "an odd number of images in the first line, got nothing"),
        ("a.tif\nb.tif\n", "an odd number of images in the first line, got a.tif"),
        ("2\na\nb\n5\n", "an odd number of images in the first line, got 2"),
        ("99999999999\n", "an odd number of images"),
        ("3\na\nb\n5\n", "3 file names and then 1 defocus values in nm, got 3 lines"),
        ("3\na\nb\nc\n", "3 file names and then 1 defocus values in nm, got 3 lines"),
        ("3\na\nb\nc\n5\n6\n", "3 file names and then 1 defocus values in nm, got 5 lines"),
        ("3\na\nb\nc\nmuch\n", "a defocus in nm without its sign, got 'much'"),
        ("3\na\nb\nc\n-5\n", "a defocus in nm without its sign, got '-5'"),
        ("3\na\nb\nc\nnan\n", "a defocus in nm without its sign, got 'nan'"),
    ],
)
def test_what_is_no_such_list_is_refused_in_one_line(text, told):
    with pytest.raises(ConfigError) as refused:
        parse_fls(text, where="x.fls")
    assert str(refused.value).startswith("x.fls: expected ")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.lists(st.floats(0.0, 1e9), max_size=6))
def test_every_pair_lies_symmetrically_about_focus(pairs_nm):
    names = [f"{n}.tif" for n in range(2 * len(pairs_nm) + 1)]
    text = "\n".join([str(len(names)), *names, *map(repr, pairs_nm)])
    images = parse_fls(text, where="x.fls").images
    defocus_nm = [image.defocus_nm for image in images]
    assert defocus_nm == [-value for value in reversed(defocus_nm)]
    assert defocus_nm[len(pairs_nm) + 1 :] == [-value for value in pairs_nm]


@given(st.text(max_size=60))
def test_any_text_is_a_list_or_is_refused(text):
    with contextlib.suppress(ConfigError):
        parse_fls(text, where="x.fls")
