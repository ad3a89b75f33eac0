"""Key files: their layout, their modes, and what is refused."""

from __future__ import annotations

import os
import stat

import pytest
import zmq
from zmq.auth import load_certificate

from ltemlive.errors import ConfigError
from ltemlive.key_making import make_client_keys, make_daemon_keys
from ltemlive.keys import load_client_keys, load_daemon_keys

CONTENT = 'curve\n    public-key = "{}"\n'


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "keys"
    assert make_daemon_keys(folder)
    return folder


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def refusal_of(call, *arguments):
    with pytest.raises(ConfigError) as refusal:
        call(*arguments)
    (line,) = str(refusal.value).splitlines()
    return line


def test_the_daemon_and_its_clients_know_each_other(folder):
    made = make_client_keys(folder, "column-2")
    client, daemon = load_client_keys(made), load_daemon_keys(folder)
    assert client.server == daemon.own.public
    assert daemon.allowed() == {client.own.public: "column-2"}
    assert daemon.publisher is None
    for pair in (client.own, daemon.own):
        assert zmq.curve_public(pair.secret) == pair.public
        assert pair.secret.decode() not in repr(pair)


def test_others_can_open_nothing_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        folder = tmp_path / "keys"
        make_daemon_keys(folder)
        make_client_keys(folder, "column")
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*")):
        assert mode_of(path) == (0o700 if path.is_dir() else 0o600), path
    assert list(folder.rglob(".*")) == []


def test_zmq_can_read_the_files(folder):
    public, secret = load_certificate(folder / "daemon.key_secret")
    assert load_certificate(folder / "daemon.key") == (public, None)
    assert zmq.curve_public(secret) == public


def test_keys_are_never_overwritten(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*.key*")}
    assert not make_daemon_keys(folder)
    make_client_keys(folder, "column")
    assert "never overwritten" in refusal_of(make_client_keys, folder, "column")
    (folder / "clients" / "column.key").unlink()
    assert "for-column: expected a new name" in refusal_of(
        make_client_keys, folder, "column"
    )
    assert {path: path.read_bytes() for path in before} == before


def test_a_public_key_that_was_lost_is_written_again(folder):
    public = (folder / "daemon.key").read_bytes()
    (folder / "daemon.key").unlink()
    assert not make_daemon_keys(folder)
    assert (folder / "daemon.key").read_bytes() == public


def test_a_secret_that_was_lost_is_not_made_up(folder):
    (folder / "daemon.key_secret").unlink()
    assert "put that back, or remove" in refusal_of(make_daemon_keys, folder)


@pytest.mark.parametrize("name", ["", "a b", "../b", "-rf", "a.b", "ä", "a" * 65, "a\n"])
def test_a_name_is_a_plain_word(folder, name):
    assert "expected at most 64 letters" in refusal_of(make_client_keys, folder, name)
    assert list((folder / "clients").iterdir()) == []


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701, 0o777])
def test_a_folder_that_others_may_enter_is_refused_with_the_remedy(folder, mode):
    client = make_client_keys(folder, "column")
    for path, load in ((client, load_client_keys), (folder, load_daemon_keys)):
        path.chmod(mode)
        line = refusal_of(load, path)
        assert line.startswith(
            f"{path}: expected a secret that only you can open (mode 0700"
        )
        assert line.endswith(f"got mode {mode:04o}; `chmod 700 {path}`")
    assert "chmod 700" in refusal_of(make_daemon_keys, folder)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_secret_that_others_may_read_is_refused_with_the_remedy(folder, mode):
    client = make_client_keys(folder, "column")
    for path, load in ((client, load_client_keys), (folder, load_daemon_keys)):
        (secret,) = path.glob("*.key_secret")
        secret.chmod(mode)
        assert refusal_of(load, path).endswith(f"`chmod 600 {secret}`")


def test_what_is_missing_is_named_with_the_way_to_make_it(folder, tmp_path):
    gone = tmp_path / "gone"
    line = refusal_of(load_daemon_keys, gone)
    assert line == (
        f"{gone}: expected keys, got: No such file or directory; make it with `ltemlive "
        f"keys {gone}`"
    )
    assert "ltemlive keys DIR --client NAME" in refusal_of(load_client_keys, gone)
    assert f"{folder / 'client.key_secret'}: expected keys, got: No such" in refusal_of(
        load_client_keys, folder
    )
    client = make_client_keys(folder, "column")
    (client / "daemon.key").unlink()
    assert "expected the daemon's public key" in refusal_of(load_client_keys, client)
    (folder / "clients" / "column.key").unlink()
    (folder / "clients").rmdir()
    assert "expected the folder of the clients' public" in refusal_of(
        load_daemon_keys, folder
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "public-key",
        CONTENT.format(""),
        CONTENT.format("short"),
        CONTENT.format("x" * 39),
        CONTENT.format('"' * 40),
        CONTENT.format("#" * 40),
        CONTENT.format("ä" * 20),
        "\0" * 100,
    ],
)
def test_what_is_no_key_is_told_at_the_start_and_lets_nobody_in_later(folder, content):
    file = folder / "clients" / "torn.key"
    daemon = load_daemon_keys(folder)
    file.write_text(content)
    assert daemon.allowed() == {}
    assert refusal_of(load_daemon_keys, folder).startswith(f"{file}: expected a CURVE key")


def test_a_secret_and_a_public_key_of_different_pairs_are_no_pair(folder):
    one, other = zmq.curve_keypair(), zmq.curve_keypair()
    (folder / "daemon.key_secret").write_text(
        f'public-key = "{one[0].decode()}"\nsecret-key = "{other[1].decode()}"\n'
    )
    assert "expected a pair of keys" in refusal_of(load_daemon_keys, folder)
    (folder / "daemon.key_secret").write_text(f'public-key = "{one[0].decode()}"\n')
    assert "expected a pair of keys" in refusal_of(load_daemon_keys, folder)


def test_a_place_that_cannot_hold_keys_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    line = refusal_of(make_daemon_keys, tmp_path / "file" / "keys")
    assert line.endswith("got: Not a directory; choose another folder")
    assert "File exists" in refusal_of(make_daemon_keys, tmp_path / "file")
