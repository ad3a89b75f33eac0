from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ltemlive.errors import ConfigError
from simulator.ovf import MAX_CELLS, read_ovf

STATE = np.arange(2 * 3 * 4 * 3, dtype=np.float64).reshape(2, 3, 4, 3)


@pytest.fixture
def state_file(tmp_path):
    return tmp_path / "state.ovf"


@settings(max_examples=40, deadline=None)
@given(
    vectors=arrays(
        np.float64,
        st.tuples(*[st.integers(1, 4)] * 3, st.just(3)),
        elements=st.floats(-1e7, 1e7, width=32),
    ),
    version=st.sampled_from([1, 2]),
    encoding=st.sampled_from(["text", "binary4", "binary8"]),
    unit=st.sampled_from(["A/m", "1", "T", ""]),
)
def test_what_was_written_is_read(
    tmp_path_factory, vectors, version, encoding, unit, ovf_bytes
):
    path = tmp_path_factory.getbasetemp() / "drawn.ovf"
    path.write_bytes(ovf_bytes(vectors, version=version, encoding=encoding, unit=unit))
    read = read_ovf(path)
    np.testing.assert_array_equal(read.vectors, vectors)
    assert read.unit == unit


def test_x_runs_fastest_and_cells_are_in_nm(state_file, ovf_bytes):
    state_file.write_bytes(ovf_bytes(STATE, cell_m=(3e-9, 2e-9, 1e-9)))
    read = read_ovf(state_file)
    assert read.vectors.shape == (2, 3, 4, 3)
    assert read.vectors[0, 0, 1].tolist() == [3.0, 4.0, 5.0]
    assert read.cell_nm == pytest.approx((3.0, 2.0, 1.0))


def test_the_multiplier_of_version_one_and_units_of_the_mesh_count(state_file, ovf_bytes):
    header = {"valuemultiplier": 2.0, "meshunit": "nm", "cell_m": (1, 2, 5)}
    state_file.write_bytes(ovf_bytes(STATE, version=1, encoding="text", **header))
    read = read_ovf(state_file)
    np.testing.assert_array_equal(read.vectors, 2.0 * STATE)
    assert read.cell_nm == (1.0, 2.0, 5.0)


def test_version_two_has_no_multiplier(state_file, ovf_bytes):
    state_file.write_bytes(ovf_bytes(STATE, valuemultiplier=2.0))
    np.testing.assert_array_equal(read_ovf(state_file).vectors, STATE)


@pytest.mark.parametrize(
    ("unit", "nm"), [("m", 1e9), ("mm", 1e6), ("um", 1e3), ("nm", 1.0), ("A", 0.1)]
)
def test_every_unit_of_the_mesh_is_that_many_nm(state_file, ovf_bytes, unit, nm):
    cell = (2.0 / nm, 3.0 / nm, 5.0 / nm)
    state_file.write_bytes(ovf_bytes(STATE, cell_m=cell, meshunit=unit))
    assert read_ovf(state_file).cell_nm == pytest.approx((2.0, 3.0, 5.0))


def test_remarks_and_braces_in_a_header_say_nothing(state_file, ovf_bytes):
    header = {"xnodes": "4 ## along x: 7", "valueunits": "{A/m} {A/m} {A/m}"}
    content = ovf_bytes(STATE, **header)
    end = b"# End: Header"
    state_file.write_bytes(content.replace(end, b"## ynodes: 7\n" + end))
    read = read_ovf(state_file)
    np.testing.assert_array_equal(read.vectors, STATE)
    assert read.unit == "A/m"


def test_lines_may_end_as_on_windows_and_words_be_in_any_case(state_file, ovf_bytes):
    text = ovf_bytes(STATE, encoding="text").decode().replace("\n", "\r\n")
    text = text.replace("Begin: Data Text", "begin: data text").replace("End:", "end:")
    state_file.write_bytes(text.encode())
    np.testing.assert_array_equal(read_ovf(state_file).vectors, STATE)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"Segment count": 3}, "expected one segment; write each to .*, got 3"),
        ({"meshtype": "irregular"}, "expected meshtype rectangular, got irregular"),
        ({"valuedim": 1}, r"expected vectors \(valuedim: 3\), got valuedim 1"),
        ({"xnodes": None}, "expected `# xnodes: ...` in the header, got none"),
        ({"ynodes": 1.5}, "expected a whole number up to .* as ynodes, got 1.5"),
        ({"znodes": 0}, "expected a positive znodes, got 0"),
        ({"znodes": "many"}, "expected a number as znodes, got many"),
        ({"xnodes": 10**18}, "expected a whole number up to .* as xnodes, got 1e"),
        ({"xnodes": 60_000, "ynodes": 60_000}, f"expected at most {MAX_CELLS} cells"),
        ({"xnodes": 4000, "ynodes": 4000}, "bytes of data for 32000000 cells, got 328"),
        ({"xnodes": 3}, "expected `# End: Data` after 18 cells, got"),
        ({"xstepsize": "nan"}, "expected a positive xstepsize, got nan"),
        ({"ystepsize": -1e-9}, "expected a positive ystepsize, got -1e-09"),
        ({"xstepsize": 1e-13}, r"expected cells of 0.001 to 1e.06 nm, got 0.0001 x 1 x 1"),
        ({"xstepsize": 1.0}, r"expected cells of 0.001 to 1e.06 nm, got 1e.09 x 1 x 1"),
        ({"meshunit": "furlong"}, "expected meshunit m, mm, um, nm, a, got furlong"),
        (
            {"valueunits": "A/m T T"},
            "expected one unit for all three valueunits, got A/m T",
        ),
    ],
)
def test_a_header_that_makes_no_sense_is_one_line(state_file, header, expected, ovf_bytes):
    state_file.write_bytes(ovf_bytes(STATE, **header))
    with pytest.raises(ConfigError, match=expected) as caught:
        read_ovf(state_file)
    assert str(caught.value).startswith(f"{state_file}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["text", "binary4", "binary8"])
@pytest.mark.parametrize("kept", [0, 30, 300, 480, -60, -30])
def test_a_file_that_was_cut_off_is_one_line(state_file, encoding, kept, ovf_bytes):
    state_file.write_bytes(ovf_bytes(STATE, encoding=encoding)[:kept])
    with pytest.raises(ConfigError) as caught:
        read_ovf(state_file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["1 2 3"] * 23, "expected 24 lines of three numbers, got 23 of 3"),
        (["1 2 3"] * 25, "expected 24 lines of three numbers, got 25 of 3"),
        (["1 2 3 4 5 6"] * 24, "expected 24 lines of three numbers, got 24 of 6"),
        (["1 2 3"] * 23 + ["1 2"], "expected three numbers in each line of data, got"),
        (["1 2 x"] * 24, "expected three numbers in each line of data, got could not"),
        ([" " * 40] * 24, "expected 24 lines of data, got none"),
        (["1 2 3"] * 2, "expected 24 lines of data, got .* bytes: cut off"),
    ],
)
def test_text_that_is_not_three_numbers_for_each_cell_is_one_line(
    state_file, ovf_bytes, lines, expected
):
    before, mark, data = ovf_bytes(STATE, encoding="text").partition(b"Data Text\n")
    after = data[data.index(b"# End") :]
    state_file.write_bytes(before + mark + "\n".join([*lines, ""]).encode() + after)
    with pytest.raises(ConfigError, match=expected) as caught:
        read_ovf(state_file)
    assert "\n" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), encoding=st.sampled_from(["text", "binary4"]))
def test_any_damage_is_an_error_of_one_line_or_harmless(
    tmp_path_factory, data, encoding, ovf_bytes
):
    path = tmp_path_factory.getbasetemp() / "damaged.ovf"
    content = bytearray(ovf_bytes(STATE[:1, :2, :2], encoding=encoding))
    place = data.draw(st.integers(0, len(content) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=8))
    content[place : place + len(junk)] = junk
    path.write_bytes(bytes(content))
    said = ""
    try:
        read_ovf(path)
    except ConfigError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("encoding", "known"), [("binary4", 4), ("binary8", 8)])
def test_the_number_before_binary_data_tells_damage(
    state_file, ovf_bytes, version, encoding, known
):
    content = ovf_bytes(STATE, version=version, encoding=encoding)
    mark = f"Binary {known}\n".encode()
    start = content.index(mark) + len(mark)
    number, rest = content[start : start + known], content[start + known :]
    state_file.write_bytes(content[:start] + number[::-1] + rest)
    with pytest.raises(
        ConfigError, match=r"expected 123456\d+ before the data, got .*damaged"
    ):
        read_ovf(state_file)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "expected an OVF file"),
        (b"\x89PNG\r\n", "expected an OVF file .* got b'.x89PNG"),
        (b"# OOMMF: OVF 2.0\n", "expected `# Begin: Data Text`, .* got none"),
    ],
)
def test_what_is_no_ovf_is_said_so(state_file, content, expected):
    state_file.write_bytes(content)
    with pytest.raises(ConfigError, match=expected):
        read_ovf(state_file)


@pytest.mark.parametrize("encoding", ["text", "binary4", "binary8"])
@pytest.mark.parametrize("number", [np.nan, -np.inf, 2e30])
def test_numbers_that_are_none_are_refused(state_file, ovf_bytes, encoding, number):
    vectors = STATE.copy()
    vectors[1, 1, 1, 1] = number
    state_file.write_bytes(ovf_bytes(vectors, encoding=encoding))
    with pytest.raises(
        ConfigError, match=r"expected numbers below 1e.30 in the data, got more, or NaN"
    ):
        read_ovf(state_file)
    vectors[1, 1, 1, 1] = 5e29
    state_file.write_bytes(ovf_bytes(vectors, encoding=encoding))
    assert read_ovf(state_file).vectors[1, 1, 1, 1] == pytest.approx(5e29)


def test_a_file_that_is_not_there_is_one_line(state_file):
    with pytest.raises(ConfigError, match="expected a readable OVF file, got: No such"):
        read_ovf(state_file)
