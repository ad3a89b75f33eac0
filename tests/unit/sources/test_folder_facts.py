import json

import numpy as np
import pytest
import tifffile

from ltemlive.formats.images import write_frame_tiff
from ltemlive.sources.folder_facts import FolderFacts
from ltemlive.sources.folder_plan import ImageKey
from ltemlive.sources.settling import FileSettling, FileStamp

SERIES = "voltage_kv: 200\npixel_nm: 5\n"
IMAGE = np.ones((16, 16), "<u2")


class Folder:
    """A folder whose files are looked at when the test says so."""

    def __init__(self, path):
        self.path = path
        self.settling = FileSettling(1.0)
        self.facts_of = FolderFacts(self.settling)
        self._now = 0.0
        self._version = 0
        self._stamps = {}

    def write(self, name, text):
        (self.path / name).write_text(text, encoding="utf-8")
        self._version += 1
        self._stamps[name] = FileStamp(0, self._version)

    def write_image(self, name, defocus_nm=None):
        write_frame_tiff(
            self.path / name,
            IMAGE,
            pixel_nm=5.0,
            defocus_nm=defocus_nm,
            seq=3,
            durable=False,
        )
        self._version += 1
        self._stamps[name] = FileStamp(0, self._version)

    def look(self):
        for name, stamp in self._stamps.items():
            self.settling.observe(name, stamp, self._now)
        self._now += 1.0
        self.facts_of.refresh({name: self.path / name for name in self._stamps})

    def write_stack(self, name, n_images):
        pages = np.stack([IMAGE + n for n in range(n_images)])
        tifffile.imwrite(self.path / name, pages, photometric="minisblack")
        self._version += 1
        self._stamps[name] = FileStamp(0, self._version)

    def ask(self, **asked):
        self.facts_of = FolderFacts(self.settling, **asked)

    def labels_of(self, name):
        keys = self.facts_of.images_of(name, self._stamps[name])
        return [key.label for key in keys]

    def facts(self, name, page=0):
        return self.facts_of.facts(ImageKey(name, page), self._stamps[name])


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def settle(folder):
    folder.look()
    folder.look()


def test_the_most_trusted_statement_wins_and_the_conflict_is_told(folder):
    folder.write_image("x_-4um.tif", defocus_nm=-3000.0)
    settle(folder)
    assert folder.facts("x_-4um.tif").defocus.defocus_nm == -3000.0
    folder.write("series.yaml", SERIES + "frames: [{file: x_-4um.tif, defocus_nm: -2000}]")
    settle(folder)
    assert folder.facts("x_-4um.tif").defocus.defocus_nm == -2000.0
    folder.write("x_-4um.yaml", "defocus_nm: -1000")
    settle(folder)
    defocus = folder.facts("x_-4um.tif").defocus
    assert defocus.defocus_nm == -1000.0
    for part in ("sidecar says -1000", "series.yaml says -2000", "-3000", "-4000"):
        assert part in defocus.conflict


def test_a_lens_value_lets_an_image_in_that_says_no_defocus(folder):
    folder.write_image("f.tif")
    settle(folder)
    assert folder.facts("f.tif").missing
    folder.write("series.yaml", SERIES + "frames: [{file: f.tif, lens_value: 2400}]")
    settle(folder)
    assert (folder.facts("f.tif").lens_value, folder.facts("f.tif").missing) == (2400.0, "")
    folder.write("f.yaml", "lens_value: 2300")
    settle(folder)
    assert folder.facts("f.tif").lens_value == 2300.0


def test_json_sidecars_may_say_much_else(folder):
    folder.write_image("f.tif")
    folder.write(
        "f.tif.json",
        json.dumps({"defocus_nm": 5.0, "exposure_s": 0.5, "seq": 8, "camera": [1]}),
    )
    settle(folder)
    facts = folder.facts("f.tif")
    assert (facts.defocus.defocus_nm, facts.exposure_s, facts.wanted_seq) == (5.0, 0.5, 8)
    assert facts.missing == ""


@pytest.mark.parametrize("text", ["{", "[1]", '{"defocus_nm": "much"}', "[" * 100_000])
def test_a_broken_sidecar_holds_its_image_up_and_says_why(folder, text):
    folder.write_image("f_-4um.tif")
    folder.write("f_-4um.json", text)
    settle(folder)
    assert "f_-4um.json" in folder.facts("f_-4um.tif").missing


def test_an_image_waits_for_a_description_that_is_still_being_written(folder):
    folder.write_image("f_-4um.tif")
    folder.write("f_-4um.yaml", "defocus_nm: -1")
    folder.look()
    assert "still being written" in folder.facts("f_-4um.tif").missing
    folder.write("f_-4um.yaml", "defocus_nm: -1000")
    settle(folder)
    assert folder.facts("f_-4um.tif").defocus.defocus_nm == -1000.0


def test_an_image_without_defocus_says_how_to_state_it(folder):
    folder.write_image("f.tif")
    settle(folder)
    missing = folder.facts("f.tif").missing
    assert "f.tif" in missing
    assert "series.yaml" in missing


def test_an_image_may_have_to_wait_for_the_microscope_too(folder):
    folder.facts_of = FolderFacts(folder.settling, needs=("voltage_kv", "pixel_nm"))
    folder.write_image("f.tif", defocus_nm=-1000.0)
    settle(folder)
    assert "voltage_kv" in folder.facts("f.tif").missing
    folder.write("series.yaml", SERIES)
    settle(folder)
    assert folder.facts("f.tif").missing == ""


def test_a_wrong_description_is_named_until_it_is_mended(folder):
    folder.write_image("f.tif")
    folder.write("series.yaml", "voltage_kv: 200\npixels_nm: 5\n")
    settle(folder)
    assert "pixels_nm" in folder.facts("f.tif").missing
    folder.write("series.yaml", SERIES + "frames: [{file: f.tif, defocus_nm: 0}]")
    settle(folder)
    assert folder.facts("f.tif").missing == ""


def test_a_description_that_breaks_later_leaves_what_was_known(folder):
    folder.write_image("f.tif")
    folder.write("series.yaml", SERIES + "frames: [{file: f.tif, defocus_nm: 0}]")
    settle(folder)
    folder.write("series.yaml", "frames: [")
    settle(folder)
    assert folder.facts("f.tif").defocus.defocus_nm == 0.0
    assert folder.facts_of.problem


def test_only_what_the_description_spells_out_is_stated(folder):
    folder.write("series.yaml", SERIES + "coherence: wave\nborder: free\n")
    assert folder.facts_of.stated_optics() == {}
    settle(folder)
    assert folder.facts_of.stated_optics() == {"coherence": "wave", "border": "free"}


def test_the_listed_pages_of_a_stack_are_images_of_their_own(folder):
    folder.write_image("s.tif", defocus_nm=77.0)
    folder.write(
        "series.yaml",
        SERIES + "frames: [{file: s.tif, page: 1, defocus_nm: 5}, {file: s.tif, page: 4}]",
    )
    settle(folder)
    assert folder.facts_of.images_of("s.tif") == [
        ImageKey("s.tif", 1),
        ImageKey("s.tif", 4),
    ]
    assert folder.facts("s.tif", page=1).defocus.defocus_nm == 5.0
    # What stands in the file holds for its first page.
    assert folder.facts("s.tif", page=4).defocus is None
    assert folder.facts_of.images_of("other.tif") == [ImageKey("other.tif")]


def test_images_wait_for_the_references_of_the_camera(folder):
    folder.write("series.yaml", SERIES + "camera: {dark: dark.tif, binning: 2}\n")
    folder.write_image("x.tif", defocus_nm=1e5)
    settle(folder)
    told = "series.yaml: camera.dark: dark.tif is not there yet"
    assert folder.facts("x.tif").missing == told
    folder.write_image("dark.tif")
    folder.look()
    assert folder.facts("x.tif").missing.endswith("dark.tif is still being written")
    folder.look()
    assert folder.facts("x.tif").missing == ""
    camera = folder.facts_of.camera
    assert camera.is_reference("dark.tif")
    assert not camera.is_reference("x.tif")
    assert camera.camera.settings.binning == 2
    np.testing.assert_array_equal(camera.camera.dark, IMAGE)


def test_a_description_that_is_only_longer_loads_no_reference_again(folder):
    described = SERIES + "camera: {dark: dark.tif}\n"
    folder.write("series.yaml", described)
    folder.write_image("dark.tif")
    settle(folder)
    before = folder.facts_of.camera.camera
    folder.write("series.yaml", described + "series: holes\n")
    settle(folder)
    assert folder.facts_of.description.series == "holes"
    assert folder.facts_of.camera.camera is before


def test_a_reference_that_is_replaced_is_read_again(folder):
    folder.write("series.yaml", SERIES + "camera: {dark: dark.tif}\n")
    folder.write_image("dark.tif")
    settle(folder)
    before = folder.facts_of.camera.camera
    folder.write_image("dark.tif")
    settle(folder)
    after = folder.facts_of.camera.camera
    assert after is not before
    assert folder.facts_of.camera.problem == ""


def test_references_may_lie_in_a_folder_within(folder):
    folder.write("series.yaml", SERIES + "camera: {dark: darks/d.tif}\n")
    settle(folder)
    assert folder.facts_of.camera.problem.endswith("darks/d.tif is not there yet")
    (folder.path / "darks").mkdir()
    folder.write_image("darks/d.tif")
    del folder._stamps["darks/d.tif"]
    folder.look()
    assert folder.facts_of.camera.problem == ""
    np.testing.assert_array_equal(folder.facts_of.camera.camera.dark, IMAGE)


@pytest.mark.parametrize(
    ("dark", "told"),
    [
        ("../dark.tif", "expected a name inside this folder"),
        ("dark.tif", "expected a whole tif image"),
    ],
)
def test_a_reference_that_cannot_be_read_is_named(dark, told, folder):
    folder.write("series.yaml", SERIES + f"camera: {{dark: {dark}}}\n")
    folder.write("dark.tif", "no image")
    folder.write_image("x.tif", defocus_nm=1e5)
    settle(folder)
    missing = folder.facts("x.tif").missing
    assert missing.startswith("series.yaml: camera.dark:")
    assert told in missing


FLS = "3\nu.tif\n0.tif\no.tif\n2000\n"


def test_whoever_is_asked_first_wins_and_all_others_are_told_of(folder):
    folder.ask(plan_defocus_nm=[8.0] * 4)
    steps = [
        (lambda: folder.write_image("a_3_df7nm.tif"), 7.0, "its name"),
        (lambda: folder.write_image("a_3_df7nm.tif", 6.0), 6.0, "the file itself"),
        (
            lambda: folder.write("a_3_df7nm.tif.mdoc", "[ZValue = 0]\nDefocus = -.005"),
            5.0,
            "a_3_df7nm.tif.mdoc",
        ),
        (lambda: folder.write("z.fls", "3\na_3_df7nm.tif\nb\nc\n4"), 4.0, "z.fls"),
        (
            lambda: folder.write(
                "series.yaml", SERIES + "frames: [{file: a_3_df7nm.tif, defocus_nm: 3}]"
            ),
            3.0,
            "series.yaml",
        ),
        (lambda: folder.write("a_3_df7nm.yaml", "defocus_nm: 2"), 2.0, "its sidecar"),
    ]
    for write, defocus_nm, origin in steps:
        write()
        settle(folder)
        facts = folder.facts("a_3_df7nm.tif")
        assert (facts.defocus.defocus_nm, facts.defocus.origin) == (defocus_nm, origin)
        assert facts.missing == ""
    for said in ("says 3 nm", "z.fls says 4 nm", "mdoc says 5 nm", "says 6 nm", "8 nm"):
        assert said in facts.defocus.conflict


def test_a_list_of_pylorentz_gives_number_and_defocus(folder):
    for name in ("o.tif", "0.tif", "u.tif"):
        folder.write_stack(name, 1)
    folder.write("holes.fls", FLS)
    settle(folder)
    facts = [folder.facts(name) for name in ("u.tif", "0.tif", "o.tif")]
    assert [each.wanted_seq for each in facts] == [0, 1, 2]
    assert [each.defocus.defocus_nm for each in facts] == [2000.0, 0.0, -2000.0]
    assert [each.missing for each in facts] == [""] * 3


def test_a_description_of_serialem_says_voltage_pixel_and_exposure(folder):
    folder.ask(needs=("voltage_kv", "pixel_nm"))
    folder.write_image("a.tif", defocus_nm=0.0)
    settle(folder)
    assert folder.facts("a.tif").missing == "no series.yaml says voltage_kv and pixel_nm"
    text = "Voltage = 300\n[FrameSet = 0]\nDefocus = 0\nExposureTime = 2\n"
    folder.write("a.tif.mdoc", text)
    settle(folder)
    assert folder.facts("a.tif").missing == "no series.yaml says pixel_nm"
    folder.write("a.tif.mdoc", text + "PixelSpacing = 20\n")
    settle(folder)
    facts = folder.facts("a.tif")
    assert (facts.voltage_kv, facts.pixel_nm, facts.exposure_s) == (300.0, 2.0, 2.0)
    assert facts.missing == ""
    folder.write("series.yaml", SERIES)
    settle(folder)
    facts = folder.facts("a.tif")
    assert (facts.voltage_kv, facts.pixel_nm) == (200.0, 5.0)


def test_an_image_waits_for_a_new_list_and_not_for_one_that_only_grows(folder):
    folder.write_image("u.tif", defocus_nm=1.0)
    folder.write("holes.fls", "3\n")
    folder.look()
    assert folder.facts("u.tif").missing == "holes.fls is still being written"
    folder.write("holes.fls", FLS)
    settle(folder)
    assert folder.facts("u.tif").defocus.defocus_nm == 2000.0
    folder.write("holes.fls", FLS.replace("2000", "3000"))
    folder.look()
    assert folder.facts("u.tif").missing == ""
    assert folder.facts("u.tif").defocus.defocus_nm == 2000.0


def test_a_list_that_cannot_be_read_is_the_reason_where_nothing_else_tells(folder):
    folder.write_stack("u.tif", 1)
    folder.write_image("k.tif", defocus_nm=5.0)
    folder.write("holes.fls", "one\ntwo\n")
    settle(folder)
    assert folder.facts("u.tif").missing.startswith("holes.fls: expected an odd number")
    assert folder.facts("k.tif").missing == ""
    folder.write("holes.fls", FLS)
    settle(folder)
    assert folder.facts("u.tif").missing == ""


def test_what_a_list_no_longer_says_is_forgotten(folder):
    folder.write_stack("u.tif", 1)
    folder.write("holes.fls", FLS)
    settle(folder)
    folder.write("holes.fls", FLS.replace("u.tif", "v.tif"))
    folder.look()
    folder.look()
    assert folder.facts("u.tif").defocus is None


def test_the_users_pattern_stands_for_the_built_in_one(folder):
    folder.ask(pattern=r"_n(?P<seq>\d+)_(?P<defocus>[-+]\d+)(?P<unit>mm)?")
    folder.write_stack("holes_n12_+2mm_-7um.tif", 1)
    folder.write_stack("holes_3_-7um.tif", 1)
    settle(folder)
    facts = folder.facts("holes_n12_+2mm_-7um.tif")
    assert (facts.wanted_seq, facts.defocus.defocus_nm) == (12, 2e6)
    assert folder.facts("holes_3_-7um.tif").defocus is None


def test_the_plan_is_asked_by_number_and_last(folder):
    folder.ask(plan_defocus_nm=[-1e5, 0.0])
    for name in ("a_0.tif", "a_1.tif", "a_2.tif", "a.tif"):
        folder.write_stack(name, 1)
    settle(folder)
    facts = folder.facts("a_0.tif")
    assert (facts.defocus.defocus_nm, facts.defocus.origin) == (
        -1e5,
        "input.plan_defocus_nm",
    )
    assert folder.facts("a_1.tif").defocus.defocus_nm == 0.0
    assert "has 0..1, this is number 2" in folder.facts("a_2.tif").missing
    assert "has 0..1, this is no number" in folder.facts("a.tif").missing


def test_every_image_of_a_stack_is_wanted_and_one_statement_is_not_for_each(folder):
    folder.write_stack("s_4_-5um.tif", 3)
    folder.write("s_4_-5um.yaml", "{defocus_nm: 9, exposure_s: 2, seq: 7}")
    settle(folder)
    assert folder.labels_of("s_4_-5um.tif") == [
        "s_4_-5um.tif",
        "s_4_-5um.tif#1",
        "s_4_-5um.tif#2",
    ]
    for page in range(3):
        facts = folder.facts("s_4_-5um.tif", page)
        assert "this page of a stack; list s_4_-5um.tif with its pages" in facts.missing
        assert (facts.wanted_seq, facts.exposure_s) == (page, 2.0)


def test_serialem_tells_of_each_page(folder):
    folder.write_stack("s.tif", 3)
    folder.write("s.tif.mdoc", "[ZValue = 0]\nDefocus = -1\n[ZValue = 2]\nDefocus = 1\n")
    settle(folder)
    facts = [folder.facts("s.tif", page) for page in range(3)]
    assert [each.defocus and each.defocus.defocus_nm for each in facts] == [1e3, None, -1e3]
    assert [bool(each.missing) for each in facts] == [False, True, False]


def test_the_plan_tells_of_each_page(folder):
    folder.ask(plan_defocus_nm=[3.0, 4.0])
    folder.write_stack("s_7.tif", 2)
    settle(folder)
    defocus = [folder.facts("s_7.tif", page).defocus.defocus_nm for page in (0, 1)]
    assert defocus == [3.0, 4.0]


def test_movie_frames_are_no_series(folder):
    folder.write_stack("s.tif", 3)
    folder.write("s.tif.mdoc", "[FrameSet = 0]\nDefocus = -1\n")
    settle(folder)
    assert all("stack" in folder.facts("s.tif", page).missing for page in range(3))


def test_only_what_a_description_lists_of_a_stack_is_wanted(folder):
    folder.write_stack("s.tif", 3)
    folder.write("series.yaml", SERIES + "frames: [{file: s.tif, page: 1, defocus_nm: 5}]")
    settle(folder)
    assert folder.labels_of("s.tif") == ["s.tif#1"]


def test_a_damaged_file_is_no_stack_and_says_so(folder):
    folder.write("s.tif", "no image")
    settle(folder)
    assert folder.labels_of("s.tif") == ["s.tif"]
    assert "got a damaged one" in folder.facts("s.tif").damage


def test_files_of_which_other_images_may_be_wanted_are_told(folder):
    folder.write_stack("s.tif", 1)
    settle(folder)
    files = {name: folder.path / name for name in folder._stamps}
    assert folder.facts_of.refresh(files) == set()
    folder.write("series.yaml", SERIES + "frames: [{file: s.tif, page: 1, defocus_nm: 5}]")
    folder.look()
    folder.settling.observe("series.yaml", folder._stamps["series.yaml"], folder._now)
    files["series.yaml"] = folder.path / "series.yaml"
    assert folder.facts_of.refresh(files) == {"s.tif"}
