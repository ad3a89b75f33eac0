"""Who gets in and who does not, and what both sides say of it, over real sockets."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import zmq

from ltemlive.arrivals import FrameArrived
from ltemlive.client import ControlClient, ResultFeed
from ltemlive.daemon import service
from ltemlive.daemon.service import run_daemon
from ltemlive.door import Door
from ltemlive.errors import ConfigError, WireError
from ltemlive.frames import Frame, FrameMeta
from ltemlive.key_making import make_client_keys, make_daemon_keys
from ltemlive.keys import load_client_keys, load_daemon_keys
from ltemlive.series import Microscope
from ltemlive.settings import Settings
from ltemlive.sinks.publisher import ResultServer
from ltemlive.sources.acknowledged import ZmqRouterSource
from ltemlive.sources.subscriber import ZmqFrameSource
from ltemlive.wire.codec import encode, pixel_crc32
from ltemlive.wire.messages import FrameMessage
from ltemlive.wire.results import DaemonStatus
from simulator.schedule import Announcement
from simulator.zmq_emitter import ZmqEmitter

ANY_PORT = "tcp://127.0.0.1:0"
PATIENCE_S = 20.0
STATUS = DaemonStatus(
    session="2026-11-23T101500Z",
    state="waiting",
    device=None,
    ordinal=None,
    series=None,
    n_expected=None,
    received=0,
    stored=0,
    dropped=0,
    disordered=0,
    duplicate=0,
    rejected=0,
    queued=0,
    frames=(),
    version="0.1.0",
)
ANNOUNCEMENT = Announcement(
    series="vortex",
    microscope=Microscope(voltage_kv=200.0, pixel_nm=5.0),
    n_expected=1,
    plan_defocus_nm=(0.0,),
    pixel_type="<u2",
    shape=(16, 20),
)
FRAME = Frame(FrameMeta(seq=0, defocus_nm=0.0), np.full((16, 20), 7, "<u2"))


class House:
    """Folders of keys: a daemon's, and those of its clients."""

    def __init__(self, folder):
        self.folder = folder
        make_daemon_keys(folder)

    @property
    def keys(self):
        return load_daemon_keys(self.folder)

    def client(self, name):
        return load_client_keys(make_client_keys(self.folder, name))

    def stranger(self):
        """Return keys of a client that was let in once, and is not any more."""
        keys = self.client("stranger")
        (self.folder / "clients" / "stranger.key").unlink()
        return keys

    def misled(self):
        """Return keys of a client that is welcome, and expects another daemon."""
        keys = self.client("misled")
        return replace(keys, server=keys.own.public)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "keys")


class Daemon:
    """The three sockets of a daemon behind one door, each with its thread."""

    def __init__(self, keys):
        self._closing = contextlib.ExitStack()
        self._stop = threading.Event()
        self.door = self._closing.enter_context(contextlib.closing(Door(keys)))
        self.server = self._closing.enter_context(
            ResultServer(
                ANY_PORT,
                ANY_PORT,
                clock=time.time,
                max_rate_hz=10,
                preview_px=64,
                door=self.door,
            )
        )
        self.source = self._closing.enter_context(
            ZmqRouterSource(ANY_PORT, max_frame_bytes=2**20, credit=8, door=self.door)
        )
        self.arrivals = []
        self._threads = [
            threading.Thread(target=target, args=(self._stop,))
            for target in (self.door.serve, self.server.serve, self._take)
        ]

    def _take(self, stop):
        for arrival in itertools.chain.from_iterable(self.source.arrivals(stop)):
            self.arrivals.append(arrival)
            self.source.acknowledge(arrival.receipt, "stored")

    def __enter__(self):
        self.server.set_status(STATUS)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._closing.close()

    @property
    def endpoints(self):
        server = self.server
        return server.results_endpoint, server.control_endpoint, self.source.endpoint

    def control(self, keys=None):
        return ControlClient(self.server.control_endpoint, PATIENCE_S, keys=keys)

    def feed(self, keys=None):
        return ResultFeed(self.server.results_endpoint, keys=keys)

    def emitter(self, keys=None):
        endpoint = self.source.endpoint
        return ZmqEmitter(endpoint, producer="run-1", timeout_s=PATIENCE_S, keys=keys)


def wait_for(is_it):
    """Return once it is so; the test's own time limit ends a wait in vain."""
    while not is_it():
        time.sleep(0.01)


def refusal_of(call):
    """Return what a client says that is not let in."""
    with pytest.raises(WireError) as refusal:
        call()
    return str(refusal.value)


def test_the_right_key_gets_through_to_every_socket(house):
    keys = house.client("column")
    with Daemon(house.keys) as daemon:
        with daemon.control(keys) as control:
            assert control.request("ping").ok
        with daemon.feed(keys) as feed:
            daemon.server.set_status(STATUS)
            assert feed.take(PATIENCE_S).topic == "status"
        with daemon.emitter(keys) as emitter:
            emitter.start(ANNOUNCEMENT)
            emitter.send(FRAME)
            emitter.end("success")
    (arrived,) = [each for each in daemon.arrivals if isinstance(each, FrameArrived)]
    np.testing.assert_array_equal(arrived.frame.image, FRAME.image)


def clients_of(daemon, keys):
    """Yield how each kind of client fails; an emitter may only warn, and try again."""
    with daemon.control(keys) as control:
        yield refusal_of(lambda: control.request("ping"))
    with daemon.feed(keys) as feed:
        yield refusal_of(lambda: feed.take(PATIENCE_S))


def test_a_key_that_is_not_allowed_is_refused_and_both_sides_say_why(house, caplog):
    keys = house.stranger()
    with Daemon(house.keys) as daemon:
        refusals = [*clients_of(daemon, keys)]
        with daemon.emitter(keys) as emitter:
            refusals.append(refusal_of(lambda: emitter.start(ANNOUNCEMENT)))
        for name in ("frames", "results", "control"):
            text = f"{name}: refused a client from 127.0.0.1: its key"
            wait_for(lambda text=text: text in caplog.text)
    for refusal in refusals:
        assert f"it does not know the key of {keys.folder}: have that public" in refusal
    assert keys.own.public.decode() in caplog.text
    assert daemon.arrivals == []


def test_a_client_that_expects_another_daemon_is_told_so(house, caplog):
    keys = house.misled()
    with Daemon(house.keys) as daemon:
        for refusal in clients_of(daemon, keys):
            assert f"its key may be another than {keys.server_file}" in refusal
        with daemon.emitter(keys) as emitter:
            wait_for(lambda: emitter.sleep(0.01) or "trying again" in caplog.text)
        wait_for(lambda: "it expects another key of this daemon" in caplog.text)
    assert daemon.arrivals == []


def test_a_client_without_keys_is_told_that_they_are_asked_for(house, caplog):
    with Daemon(house.keys) as daemon:
        for refusal in clients_of(daemon, None):
            assert "use --keys DIR" in refusal
        # Whoever hangs up first decides whether ZMQ tries again.
        with daemon.emitter() as emitter, contextlib.suppress(WireError):
            wait_for(lambda: emitter.sleep(0.01) or "trying again" in caplog.text)
        for endpoint in daemon.endpoints:
            wait_for(lambda at=endpoint: f" at {at}: refused a client: it " in caplog.text)
    refusals = [each for each in caplog.messages if "refused a client" in each]
    assert all("it has no keys" in each or "have no keys" in each for each in refusals)
    assert daemon.arrivals == []


def test_a_client_with_keys_is_told_that_the_daemon_has_none(house, caplog):
    keys = house.client("column")
    with Daemon(None) as daemon:
        for refusal in clients_of(daemon, keys):
            assert "have no keys" in refusal or "has no keys" in refusal
        wait_for(lambda: "keys, and this daemon has none" in caplog.text)


def test_without_anybody_who_answers_for_keys_nobody_gets_in(house):
    with contextlib.closing(Door(house.keys)) as door:
        door._keeper.close()
        with (
            ResultServer(
                ANY_PORT,
                ANY_PORT,
                clock=time.time,
                max_rate_hz=10,
                preview_px=64,
                door=door,
            ) as server,
            ControlClient(server.control_endpoint, 0.3, keys=house.client("a")) as client,
        ):
            refusal_of(lambda: client.request("ping"))


def test_a_client_may_come_in_as_soon_as_its_key_is_there_and_not_once_it_is_gone(house):
    keys, clock = house.stranger(), itertools.count()
    listed = house.folder / "clients" / "late.key"
    with (
        contextlib.closing(Door(house.keys, clock=lambda: float(next(clock)))) as door,
        ResultServer(
            ANY_PORT, ANY_PORT, clock=time.time, max_rate_hz=10, preview_px=64, door=door
        ) as server,
        running(door.serve, server.serve),
    ):

        def ping():
            with ControlClient(server.control_endpoint, PATIENCE_S, keys=keys) as control:
                return control.request("ping").ok

        refusal_of(ping)
        shutil.copy(keys.folder / "client.key", listed)
        (house.folder / "clients" / "torn.key").write_text("public-key = x\n")
        assert ping()
        listed.unlink()
        refusal_of(ping)


@contextlib.contextmanager
def running(*targets):
    """Run each of the functions of a stop signal in a thread until the block ends."""
    stop = threading.Event()
    threads = [threading.Thread(target=target, args=(stop,)) for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def subscription(camera, house):
    """Yield a camera's publisher behind its door, and the daemon's subscription to it."""
    with (
        contextlib.closing(Door(camera.keys)) as out,
        contextlib.closing(Door(house.keys)) as door,
        out.socket(zmq.XPUB) as publisher,
    ):
        publisher.setsockopt(zmq.LINGER, 0)
        endpoint = out.bind(publisher, ANY_PORT, "camera")
        with (
            ZmqFrameSource(endpoint, max_frame_bytes=2**20, door=door) as source,
            running(out.serve, door.serve),
        ):
            yield publisher, source


def test_frames_are_subscribed_to_by_the_key_of_their_publisher(house, tmp_path, caplog):
    camera = House(tmp_path / "camera")
    shutil.copy(camera.folder / "daemon.key", house.folder / "publisher.key")
    with subscription(camera, house):
        wait_for(lambda: "it does not know the key of" in caplog.text)
        wait_for(lambda: "camera: refused a client from 127.0.0.1" in caplog.text)
    shutil.copy(house.folder / "daemon.key", camera.folder / "clients" / "house.key")
    message = FrameMessage("run-1", "vortex", FRAME, pixel_crc32(FRAME.image))
    with subscription(camera, house) as (publisher, source):
        assert publisher.recv() == b"\x01"
        publisher.send_multipart([b"topic", *encode(message)])
        groups = source.arrivals(threading.Event())
        arrival = next(itertools.chain.from_iterable(groups))
    np.testing.assert_array_equal(arrival.frame.image, FRAME.image)


def test_a_publisher_without_a_known_key_may_be_on_this_machine_only(house):
    with (
        contextlib.closing(Door(house.keys)) as door,
        pytest.raises(ConfigError, match="other machines need CURVE keys"),
    ):
        ZmqFrameSource("tcp://192.0.2.1:5575", max_frame_bytes=2**20, door=door)


@pytest.mark.parametrize(
    "make",
    [
        lambda at: ControlClient(at),
        lambda at: ResultFeed(at),
        lambda at: ZmqEmitter(at, producer="run"),
        lambda at: ZmqFrameSource(at, max_frame_bytes=2**20),
        lambda at: ZmqRouterSource(at, max_frame_bytes=2**20, credit=8),
    ],
)
def test_without_keys_no_socket_leaves_this_machine(make):
    with pytest.raises(ConfigError, match="other machines need CURVE keys"):
        make("tcp://192.0.2.1:5571")


def test_with_keys_a_client_may_look_for_a_daemon_elsewhere(house):
    keys = house.client("column")
    for client in (ControlClient, ResultFeed):
        client("tcp://192.0.2.1:5571", keys=keys).close()
    ZmqEmitter("tcp://192.0.2.1:5571", producer="run", keys=keys).close()


def test_with_keys_a_socket_may_be_open_to_every_network(house):
    with (
        contextlib.closing(Door(house.keys)) as door,
        ZmqRouterSource("tcp://*:0", max_frame_bytes=2**20, credit=8, door=door) as source,
    ):
        assert source.endpoint.startswith("tcp://0.0.0.0:")


def test_an_address_that_nobody_can_connect_to_is_one_line(house):
    with pytest.raises(
        ConfigError, match="expected an address to connect to, got: Invalid"
    ):
        ControlClient("tcp://*:5573", keys=house.client("column"))


class Unused:
    """A solver that is never asked for a phase."""

    device = "abacus"

    def __init__(self, settings, *, last_rev):
        pass

    def close(self):
        pass


def daemon_settings(root, keys):
    return Settings.model_validate(
        {
            "session": {"root": str(root)},
            "input": {"zmq": ANY_PORT},
            "output": {"results": ANY_PORT, "control": ANY_PORT},
            "security": {"keys": keys and str(keys)},
        }
    )


@pytest.mark.parametrize("has_keys", [True, False])
def test_the_daemon_lets_those_in_whose_keys_its_settings_name(
    house, tmp_path, monkeypatch, has_keys
):
    monkeypatch.setattr(service, "SolverProcess", Unused)
    said, stop, is_up = {}, threading.Event(), threading.Event()

    def announce(line):
        name, value = line.split(maxsplit=1)
        said[name] = value
        if name == "control":
            is_up.set()

    settings = daemon_settings(tmp_path, house.folder if has_keys else None)
    outcome = []
    thread = threading.Thread(
        target=lambda: outcome.append(run_daemon(settings, stop=stop, announce=announce))
    )
    keys = house.client("column") if has_keys else None
    thread.start()
    try:
        assert is_up.wait(PATIENCE_S)
        with ControlClient(said["control"], PATIENCE_S, keys=keys) as control:
            assert control.request("ping").ok
        with ResultFeed(said["results"], keys=keys) as feed:
            assert feed.take(PATIENCE_S).topic == "status"
    finally:
        stop.set()
        thread.join()
    assert outcome == [True]


def test_a_daemon_whose_keys_are_open_to_others_does_not_start(house, tmp_path):
    house.folder.chmod(0o750)
    with pytest.raises(ConfigError) as refusal:
        run_daemon(
            daemon_settings(tmp_path, house.folder),
            stop=threading.Event(),
            announce=lambda line: None,
        )
    assert str(refusal.value).endswith(f"`chmod 700 {house.folder}`")
