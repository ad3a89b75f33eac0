import pytest

from ltemlive.errors import ConfigError
from ltemlive.formats.lists import read_list


def test_the_ending_says_which_list_it_is(tmp_path):
    (tmp_path / "a.FLS").write_text("1\na.tif\n")
    (tmp_path / "a.tif.mdoc").write_text("[ZValue = 0]\nDefocus = -1\n")
    assert read_list(tmp_path / "a.FLS").images[0].defocus_nm == 0.0
    assert read_list(tmp_path / "a.tif.mdoc").images[0].defocus_nm == 1000.0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_names_may_be_encoded_as_a_microscopes_pc_does(tmp_path, encoding):
    name = "Fläche.tif"
    (tmp_path / "a.fls").write_bytes(f"1\n{name}\n".encode(encoding))
    assert read_list(tmp_path / "a.fls").images[0].file == name


def test_a_list_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"a\.fls: expected a readable list"):
        read_list(tmp_path / "a.fls")


def test_a_huge_file_is_no_list(tmp_path, monkeypatch):
    monkeypatch.setattr("ltemlive.formats.lists.LONGEST_LIST", 10)
    (tmp_path / "a.fls").write_bytes(bytes(11))
    with pytest.raises(ConfigError, match="at most 10 bytes, got 11"):
        read_list(tmp_path / "a.fls")
