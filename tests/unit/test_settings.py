from pathlib import Path

import pytest

from ltemlive import documents
from ltemlive.errors import ConfigError
from ltemlive.settings import Settings, load_settings


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "microscope.yaml"

    def write(text):
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal_of(path, *, environ=None, overrides=()):
    with pytest.raises(ConfigError) as refusal:
        load_settings(path, environ=environ or {}, overrides=overrides)
    return str(refusal.value).splitlines()


def test_without_anything_the_defaults_hold():
    assert load_settings(None, environ={}) == Settings()


def test_each_source_beats_the_one_before_it(config):
    path = config("solver: {memory: 11, border_px: 11, max_steps: 11}\n")
    settings = load_settings(
        path,
        environ={"LTEMLIVE_SOLVER__MEMORY": "12", "LTEMLIVE_SOLVER__BORDER_PX": "12"},
        overrides=["solver.memory=13"],
    )
    solver = settings.solver
    assert (solver.memory, solver.border_px, solver.max_steps) == (13, 12, 11)
    assert solver.threads == Settings().solver.threads


def test_a_later_override_beats_an_earlier_one():
    settings = load_settings(
        None, environ={}, overrides=["solver.memory=3", "solver.memory=4"]
    )
    assert settings.solver.memory == 4


@pytest.mark.parametrize(
    "root", ["/data/ltem", "relative", "2026-11-23", "2026", "on", "a b"]
)
def test_the_environment_names_the_folder_of_the_sessions(root):
    settings = load_settings(None, environ={"LTEMLIVE_SESSION__ROOT": root})
    assert settings.session.root == Path(root)


def test_words_numbers_and_null_are_understood_from_outside():
    settings = load_settings(
        None,
        environ={"LTEMLIVE_INPUT__ZMQ": "null", "LTEMLIVE_OUTPUT__MAX_RATE_HZ": "2e1"},
        overrides=["microscope.coherence=wave", "input.folder='a b'"],
    )
    assert settings.input.zmq is None
    assert settings.output.max_rate_hz == 20.0
    assert settings.microscope.coherence == "wave"
    assert settings.input.folder == Path("a b")


def test_other_variables_of_the_environment_are_left_alone():
    environ = {"LTEMLIVE_HOME": "x", "HOME": "y", "OTHER_SOLVER__MEMORY": "z"}
    assert load_settings(None, environ=environ) == Settings()


def test_every_wrong_key_is_told_at_once_and_where_it_was_set(config):
    path = config("solver: {memory: 0, steps: 5}\nsovler: {}\n")
    lines = refusal_of(
        path,
        environ={"LTEMLIVE_OUTPUT__PREVIEW_PX": "1", "LTEMLIVE_OTPUT__RESULTS": "x"},
        overrides=["microscope.voltage_kv=high"],
    )
    origins = {line.split(": ")[1]: line.split(": ")[0] for line in lines}
    assert origins == {
        "solver.memory": str(path),
        "solver.steps": str(path),
        "sovler": str(path),
        "output.preview_px": "LTEMLIVE_OUTPUT__PREVIEW_PX",
        "otput": "LTEMLIVE_OTPUT__RESULTS",
        "microscope.voltage_kv": "--set microscope.voltage_kv",
    }


def test_an_unknown_key_is_answered_with_the_known_ones(config):
    (line,) = refusal_of(config("input: {foldr: x}"))
    assert "input.foldr: unknown key; expected one of: zmq, zmq_sub, folder" in line


@pytest.mark.parametrize("override", ["solver", "solver.memory", "memory=5", "=5"])
def test_an_override_has_a_section_a_key_and_a_value(override):
    (line,) = refusal_of(None, overrides=[override])
    assert line == f"--set {override}: expected section.key=value"


def test_impossible_numbers_are_refused(config):
    lines = refusal_of(
        config("output: {max_rate_hz: .inf}\nmicroscope: {convergence_mrad: .nan}")
    )
    assert len(lines) == 2


def test_settings_cannot_be_changed_and_are_told_as_plain_values():
    settings = load_settings(None, environ={}, overrides=["session.root=/data"])
    with pytest.raises(ValueError, match="frozen"):
        settings.solver.memory = 3
    text = documents.dump(settings.as_document())
    assert Settings.model_validate(documents.parse(text, where="dump")) == settings


def test_a_section_that_is_no_section_is_told(config):
    (line,) = refusal_of(config("solver: 5"))
    assert "solver: expected" in line


def test_the_microscope_config_spells_the_defaults():
    config = Path(__file__).parents[2] / "config" / "microscope.yaml"
    assert load_settings(config, environ={}) == Settings()


def test_recorded_settings_are_used_where_there_is_no_file(config):
    recorded = {"solver": {"max_steps": 7, "threads": 3}}
    settings = load_settings(
        None, environ={"LTEMLIVE_SOLVER__THREADS": "4"}, recorded=recorded
    )
    assert (settings.solver.max_steps, settings.solver.threads) == (7, 4)
    path = config("solver: {max_steps: 9}")
    assert load_settings(path, environ={}, recorded=recorded) == load_settings(
        path, environ={}
    )


@pytest.mark.parametrize("endpoint", ["foo", "tcp://0.0.0.0:5571", "tcp://127.0.0.1:99999"])
def test_an_endpoint_that_no_socket_may_have_is_named_by_its_key(endpoint):
    with pytest.raises(ConfigError, match=r"^--set input\.zmq: .*a loopback"):
        load_settings(None, environ={}, overrides=[f"input.zmq={endpoint}"])


OPEN = """\
input: {zmq: "tcp://0.0.0.0:5571", zmq_sub: "tcp://camera:5575"}
output: {results: "tcp://*:5572", control: "tcp://192.168.1.7:5573"}
"""


def test_without_keys_every_open_address_is_told_beside_every_other_error(config):
    path = config(OPEN + "solver: {memory: 0, steps: 5}\n")
    lines = refusal_of(path, environ={"LTEMLIVE_OUTPUT__RESULTS": "tcp://*:1"})
    origins = {line.split(": ")[1]: line.split(": ")[0] for line in lines}
    assert origins == {
        "input.zmq": str(path),
        "input.zmq_sub": str(path),
        "output.results": "LTEMLIVE_OUTPUT__RESULTS",
        "output.control": str(path),
        "solver.memory": str(path),
        "solver.steps": str(path),
    }
    assert sum("other machines need CURVE keys" in line for line in lines) == 4


def test_with_keys_any_address_may_be_used(config):
    settings = load_settings(
        config(OPEN), environ={}, overrides=["security.keys=/etc/ltemlive/keys"]
    )
    assert settings.input.zmq == "tcp://0.0.0.0:5571"
    assert settings.output.results == "tcp://*:5572"
    assert settings.security.keys == Path("/etc/ltemlive/keys")
    assert Settings.model_validate(settings.as_document()) == settings
    (line,) = refusal_of(config(OPEN), overrides=["security.keys=/x", "input.zmq=ipc://x"])
    assert line.startswith(
        "--set input.zmq: input.zmq: expected a loopback address such as"
    )


@pytest.mark.parametrize("text", ["security: 5", "input: 5", "output: [1]"])
def test_what_is_no_section_has_no_addresses(config, text):
    assert len(refusal_of(config(text))) == 1


@pytest.mark.parametrize("pattern", ["(?P<seq>", r"\d+", r"(?P<seq>\d+)_(?P<df>\d+)"])
def test_a_pattern_for_names_that_cannot_be_used_is_one_line(pattern):
    (line,) = refusal_of(None, overrides=[f"input.file_pattern={pattern!r}"])
    assert "input.file_pattern: expected a regular expression with a group" in line


def test_a_pattern_and_a_plan_are_taken_as_they_are(config):
    settings = load_settings(
        config(
            "input:\n  file_pattern: '_(?P<seq>\\d+)'\n  plan_defocus_nm: [-1.0e5, 0]\n"
        ),
        environ={},
    )
    assert settings.input.file_pattern == r"_(?P<seq>\d+)"
    assert settings.input.plan_defocus_nm == (-1e5, 0.0)
