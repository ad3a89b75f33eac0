import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from ltemlive import documents
from ltemlive.errors import ConfigError


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = ""
    size: int = Field(1, ge=1)


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    length_nm: float
    part: Part = Part()
    parts: tuple[Part, ...] = ()
    spare: Part | None = None


# PyYAML folds the line separators of Unicode; names and ids hold none.
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_what_is_dumped_is_read_back(values):
    assert documents.parse(documents.dump(values), where="here") == values


def test_keys_keep_their_order():
    assert list(documents.parse(documents.dump({"b": 1, "a": 2}), where="x")) == ["b", "a"]


@pytest.mark.parametrize("text", ["", "---", "# nothing"])
def test_an_empty_document_is_an_empty_mapping(text):
    assert documents.parse(text, where="here") == {}


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "a: 1\n b: 2",
        "- a\n- b",
        "just words",
        "1: a",
        "a: !!python/object/apply:os.getcwd []",
        "a: 2026-99-99",
        "a: !!int x",
        "a: !!bool x",
        "a: !!timestamp x",
        "a: \0",
        "[" * 100_000,
    ],
)
def test_what_is_no_mapping_is_refused_in_one_line(text):
    with pytest.raises(ConfigError, match=r"^here") as refusal:
        documents.parse(text, where="here")
    assert len(str(refusal.value).splitlines()) == 1


def test_a_mistake_is_named_with_its_line():
    with pytest.raises(ConfigError, match=r"^here line 2: "):
        documents.parse("a: 1\n\tb: 2\n", where="here")


@pytest.mark.parametrize(
    ("text", "line", "key", "before"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a", 1),
        ("a: 1\n'a': 1\n", 2, "a", 1),
        ("part:\n  size: 1\n  size: 1\n", 3, "size", 2),
        ("parts: [{name: x}, {name: y, name: z}]\n", 1, "name", 1),
        ("base: &base {x: 1, x: 2}\nmore: {<<: *base}\n", 1, "x", 1),
        ("? 7\n: 1\n? 7\n", 3, "7", 1),
        ("a: 1\n'a\\b': 1\n'a\\b': 2\n", 3, r"a\b", 2),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(
    tmp_path, text, line, key, before
):
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refusal:
        documents.load(path)
    assert str(refusal.value) == (
        f"{path} line {line}: expected the key {key!r} once, got it again (first in line "
        f"{before}); take one of them out"
    )


def test_a_second_merge_is_refused_with_the_list_that_merges_both():
    bases = "a: &a {x: 1}\nb: &b {y: 2}\n"
    with pytest.raises(ConfigError) as refusal:
        documents.parse(f"{bases}c:\n  <<: *a\n  <<: *b\n", where="here")
    assert str(refusal.value) == (
        "here line 5: expected the key '<<' once, got it again (first in line 4); "
        "merge both by one list, <<: [*a, *b]"
    )
    merged = documents.parse(f"{bases}c:\n  <<: [*a, *b]\n", where="here")
    assert merged["c"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    "text",
    [
        "a: {x: 1}\nb: {x: 2}\n",
        "base: &base {x: 1}\nmore: {<<: *base, x: 2}\n",
        "one: {first: &base {x: 1}, more: &more {<<: *base, x: 2}}\nlast: {<<: *more}\n",
    ],
)
def test_a_key_may_stand_once_in_each_mapping_and_replace_what_is_merged(text):
    assert documents.parse(text, where="here") == yaml.safe_load(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: .*No such file"):
        documents.load(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="Is a directory"):
        documents.load(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("name: Fläche".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        documents.load(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("-1.5e+3", -1500.0), ("null", None), ("[1, 2]", [1, 2])]
)
def test_a_scalar_is_what_yaml_says(text, value):
    assert documents.parse_scalar(text, where="--set a.b") == value


@pytest.mark.parametrize("text", ["[1", "2026-99-99", "!!bool x", "[" * 100_000])
def test_a_scalar_that_is_no_yaml_is_refused(text):
    with pytest.raises(ConfigError, match=r"^--set a\.b: expected a YAML value"):
        documents.parse_scalar(text, where="--set a.b")


def test_a_scalar_is_refused_where_it_has_a_key_twice():
    with pytest.raises(ConfigError, match=r"^--set a\.b line 1: expected the key 'x' once"):
        documents.parse_scalar("{x: 1, x: 2}", where="--set a.b")


def test_every_wrong_key_is_told_at_once_with_file_and_path(tmp_path):
    path = tmp_path / "whole.yaml"
    path.write_text(
        "length: 5\npart: {size: 0}\nparts: [{}, {nmae: x, size: big}]\n"
        "spare: {colour: 1}\n"
    )
    with pytest.raises(ConfigError) as refusal:
        documents.load_model(path, Whole)
    lines = str(refusal.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    told = [line.removeprefix(f"{path}: ") for line in lines]
    assert sorted(told) == [
        "length: unknown key; expected one of: length_nm, part, parts, spare",
        "length_nm: missing; add `length_nm: ...`",
        "part.size: expected greater than or equal to 1, got 0",
        "parts.1.nmae: unknown key; expected one of: name, size",
        "parts.1.size: expected a valid integer, unable to parse string as an integer, "
        "got 'big'",
        "spare.colour: unknown key; expected one of: name, size",
    ]


def test_the_origin_of_each_key_may_be_told():
    with pytest.raises(ConfigError) as refusal:
        documents.validated(
            {"length_nm": "x", "part": {"size": 0}, "other": {"a": 1}},
            Whole,
            where={"": "file.yaml", "part.size": "--set part.size", "other.a": "OTHER__A"},
        )
    origins = {line.split(":")[0] for line in str(refusal.value).splitlines()}
    assert origins == {"file.yaml", "--set part.size", "OTHER__A"}


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path, durable):
    path = tmp_path / "a.yaml"
    path.write_text("old: 1\n" * 100)
    documents.write_text_aside(path, "name: Fläche\n", durable=durable)
    assert path.read_text(encoding="utf-8") == "name: Fläche\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize(
    "name", ["series \N{GREEK SMALL LETTER MU}", "f\udcff", "\U0001f600"]
)
def test_any_name_that_a_folder_may_have_is_written_and_read_again(name):
    text = documents.dump({"series": name})
    assert documents.parse(text, where="test") == {"series": name}
