"""One deadline for opening: it is kept in every phase, and the error says in which it passed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from amqpconn.errors import OpenTimeout
from amqpconn.testing import Peer
from tests.broker.certificates import Certificates
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Challenged, dropping, hanging_resolver, listening, url_of

DEADLINE = 0.15


@contextmanager
def times_out(phase: str) -> Iterator[None]:
    """The block ends with OpenTimeout, in time, for the whole and not for each phase."""
    before = time.monotonic()
    with pytest.raises(OpenTimeout) as raised:
        yield
    took = time.monotonic() - before
    error = raised.value
    assert error.phase == phase
    assert list(error.elapsed)[-1] == phase
    assert DEADLINE - 0.02 <= sum(error.elapsed.values()) <= took
    assert DEADLINE - 0.02 <= took < DEADLINE + 1
    assert error.retryable
    assert error.remedy
    assert f"{DEADLINE:g} s" in str(error)
    assert isinstance(error, TimeoutError)


def test_port_that_says_nothing(driver: Driver) -> None:
    with listening() as listener, times_out("header"):
        driver.connect(url_of(listener.getsockname()), timeout=DEADLINE)


@pytest.mark.parametrize(
    ("silent_from", "phase"),
    [
        ("connection.start", "header"),
        ("connection.tune", "start"),
        ("connection.secure", "start"),
        ("connection.open-ok", "open"),
    ],
)
def test_server_that_falls_silent(driver: Driver, silent_from: str, phase: str) -> None:
    options: dict[str, Any] = {"silent_from": silent_from}
    if silent_from == "connection.secure":
        options["authenticate"] = lambda *_: b"who?"
    with Peer(**options) as peer, times_out(phase):
        driver.connect(peer.url(), timeout=DEADLINE)


def test_server_that_falls_silent_after_a_challenge(driver: Driver) -> None:
    answers = {b"hello": b"who?", b"re: who?": True}
    options: dict[str, Any] = {
        "silent_from": "connection.tune",
        "mechanisms": ("ECHO",),
        "authenticate": lambda _, said: answers[said],
    }
    with Peer(**options) as peer, times_out("secure"):
        driver.connect(peer.url(), timeout=DEADLINE, auth_methods=Challenged())


def test_heartbeats_do_not_move_the_deadline(driver: Driver) -> None:
    """They are agreed on before open-ok, and are sent meanwhile."""
    with Peer(silent_from="connection.open-ok", heartbeat=1) as peer, times_out("open"):
        driver.connect(peer.url(), timeout=DEADLINE)


def test_server_that_sends_bytes_but_never_enough(driver: Driver) -> None:
    """Each read would be in time; the whole is not."""
    with listening() as listener:
        over = threading.Event()

        def drip() -> None:
            sock, _ = listener.accept()
            with sock:
                for octet in b"\x01\0\0\0\0\x08\0" + bytes(100):
                    if over.wait(0.02):
                        return
                    try:
                        sock.sendall(bytes((octet,)))
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with times_out("header"):
                driver.connect(url_of(listener.getsockname()), timeout=DEADLINE)
        finally:
            over.set()
            thread.join()


def test_tls_port_that_says_nothing(driver: Driver, certificates: Certificates) -> None:
    context = certificates.client_context()
    with listening() as listener, times_out("tls"):
        driver.connect(url_of(listener.getsockname()), timeout=DEADLINE, ssl=context)


def test_address_that_drops_packets(driver: Driver) -> None:
    with dropping() as address, times_out("connect"):
        driver.connect(url_of(address), timeout=DEADLINE)


def test_resolver_that_hangs(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging_resolver(monkeypatch), times_out("resolve"):
        driver.connect("amqp://slow.invalid", timeout=DEADLINE)


def test_deadline_of_the_url_is_kept(driver: Driver) -> None:
    with listening() as listener, times_out("header"):
        driver.connect(f"{url_of(listener.getsockname())}?connection_timeout={DEADLINE}")


def test_deadline_ends_with_the_handshake(driver: Driver, peer: Peer) -> None:
    with driver.connect(peer.url(), timeout=0.5) as connection:
        time.sleep(0.6)
        assert connection.is_open


def test_without_a_deadline_the_connection_opens_as_well(driver: Driver, peer: Peer) -> None:
    with driver.connect(peer.url(), timeout=None) as connection:
        assert connection.is_open
