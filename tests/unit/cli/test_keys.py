import pytest

from ltemlive.keys import load_client_keys, load_daemon_keys


def test_keys_of_a_daemon_and_a_client_are_made_and_what_to_do_is_said(ltemlive, tmp_path):
    outcome = ltemlive("keys", "keys")
    assert (outcome.status, outcome.err) == (0, "")
    assert "keys: keys of the daemon, made" in outcome.out
    assert "ltemlive run --set security.keys=keys" in outcome.out
    outcome = ltemlive("keys", "keys", "--client", "column")
    assert "keys of the daemon, kept as they are" in outcome.out
    assert "scp -rp keys/for-column HOST:for-column" in outcome.out
    client = load_client_keys(tmp_path / "keys" / "for-column")
    assert load_daemon_keys(tmp_path / "keys").allowed() == {client.own.public: "column"}


def test_commands_to_paste_are_quoted_where_the_shell_needs_it(ltemlive):
    outcome = ltemlive("keys", "my keys", "--client", "column")
    assert "ltemlive run --set 'security.keys=my keys'" in outcome.out
    assert "scp -rp 'my keys/for-column' HOST:for-column" in outcome.out
    assert "rm 'my keys/clients/column.key'" in outcome.out
    assert "ltemlive keys 'my keys' --client NAME" in ltemlive("keys", "my keys").out


def test_a_name_that_is_none_or_taken_is_one_line(ltemlive):
    assert ltemlive("keys", "keys", "--client", "column").status == 0
    for name in ("column", "../column"):
        outcome = ltemlive("keys", "keys", "--client", name)
        assert outcome.status == 2
        assert len(outcome.err.splitlines()) == 1


def test_check_looks_at_the_keys(ltemlive, tmp_path):
    setting = ("--set", "security.keys=keys")
    outcome = ltemlive("check", *setting)
    assert (outcome.status, outcome.out) == (2, "")
    assert "make it with `ltemlive keys keys`" in outcome.err
    ltemlive("keys", "keys")
    outcome = ltemlive("check", *setting, "--set", "output.results=tcp://*:5572")
    assert outcome.status == 0
    (tmp_path / "keys" / "daemon.key_secret").chmod(0o644)
    outcome = ltemlive("check", *setting)
    assert outcome.err.endswith("`chmod 600 keys/daemon.key_secret`\n")
    assert len(outcome.err.splitlines()) == 1


def test_check_tells_of_the_keys_and_of_the_camera_at_once(ltemlive):
    wrong = ("security.keys=gone", "microscope.camera={dark: gone.tif}")
    outcome = ltemlive("check", *(part for each in wrong for part in ("--set", each)))
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 2


@pytest.mark.parametrize(
    "command",
    [
        ("simulate", "--to", "zmq", "tcp://192.0.2.1:5571"),
        ("dashboard", "--connect", "tcp://192.0.2.1:5572", "--screenshot", "x.png"),
    ],
)
def test_clients_need_keys_for_another_machine(ltemlive, command):
    outcome = ltemlive(*command)
    assert outcome.status == 2
    assert "other machines need CURVE keys" in outcome.err


@pytest.mark.parametrize("command", ["simulate", "dashboard"])
def test_keys_of_a_client_that_are_not_there_are_one_line(ltemlive, command):
    outcome = ltemlive(command, "--keys", "gone")
    assert outcome.status == 2
    assert outcome.err.startswith("ltemlive: gone: expected keys, got: No such file")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "came"),
    [(("simulate", "--to", "folder", "out"), "folder"), (("replay", "session"), "none")],
)
def test_only_a_socket_takes_keys(ltemlive, command, came):
    outcome = ltemlive(*command, "--keys", "gone")
    assert outcome.status == 2
    assert f"expected --to zmq ENDPOINT beside it, got {came}" in outcome.err
