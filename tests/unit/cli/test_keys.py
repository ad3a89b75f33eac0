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


def test_a_name_that_is_none_or_taken_is_one_line(ltemlive):
    assert ltemlive("keys", "keys", "--client", "column").status == 0
    for name in ("column", "../column"):
        outcome = ltemlive("keys", "keys", "--client", name)
        assert outcome.status == 2
        assert len(outcome.err.splitlines()) == 1
