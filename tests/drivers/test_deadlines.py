"""One deadline for opening: it is kept in every phase, and the error says in which it passed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from amqpconn.errors import OpenTimeout
from amqpconn.testing import Peer
from tests.broker.certificates import Certificates
from tests.drivers.adapter import Driver
from tests.drivers.helpers import Challenged, dropping, hanging_resolver, listening, url_of

# In seconds. The first one is enough, unless the machine is too busy to get as far as it should.
DEADLINES = (0.15, 0.6, 2.4)


def times_out(phase: str, attempt: Callable[[float], object]) -> OpenTimeout:
    """Check that an attempt ends in time, for the whole and not for each phase, and says where."""
    for deadline in DEADLINES:
        before = time.monotonic()
        with pytest.raises(OpenTimeout) as raised:
            attempt(deadline)
        took = time.monotonic() - before
        error = raised.value
        assert list(error.elapsed)[-1] == error.phase
        assert deadline - 0.02 <= sum(error.elapsed.values()) <= took < deadline + 1
        assert f"{deadline:g} s" in str(error)
        assert error.retryable
        assert error.remedy
        if error.phase == phase:
            return error
    pytest.fail(f"it never came to {phase}")


def test_port_that_says_nothing(driver: Driver) -> None:
    with listening() as listener:
        url = url_of(listener.getsockname())
        times_out("header", lambda deadline: driver.connect(url, timeout=deadline))


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
    with Peer(**options) as peer:
        times_out(phase, lambda deadline: driver.connect(peer.url(), timeout=deadline))


def test_server_that_falls_silent_after_a_challenge(driver: Driver) -> None:
    answers = {b"hello": b"who?", b"re: who?": True}
    options: dict[str, Any] = {
        "silent_from": "connection.tune",
        "mechanisms": ("ECHO",),
        "authenticate": lambda _, said: answers[said],
    }
    echo = Challenged()
    with Peer(**options) as peer:
        times_out(
            "secure",
            lambda deadline: driver.connect(peer.url(), timeout=deadline, auth_methods=echo),
        )


def test_heartbeats_do_not_move_the_deadline(driver: Driver) -> None:
    """They are agreed on before open-ok, and are sent meanwhile."""
    with Peer(silent_from="connection.open-ok", heartbeat=1) as peer:
        times_out("open", lambda deadline: driver.connect(peer.url(), timeout=deadline))


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
            url = url_of(listener.getsockname())
            times_out("header", lambda deadline: driver.connect(url, timeout=deadline))
        finally:
            over.set()
            thread.join()


def test_tls_port_that_says_nothing(driver: Driver, certificates: Certificates) -> None:
    context = certificates.client_context()
    with listening() as listener:
        url = url_of(listener.getsockname())
        times_out("tls", lambda deadline: driver.connect(url, timeout=deadline, ssl=context))


def test_address_that_drops_packets(driver: Driver) -> None:
    with dropping() as address:
        url = url_of(address)
        times_out("connect", lambda deadline: driver.connect(url, timeout=deadline))


def test_resolver_that_hangs(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging_resolver(monkeypatch):
        url = "amqp://slow.invalid"
        times_out("resolve", lambda deadline: driver.connect(url, timeout=deadline))


def test_deadline_of_the_url_is_kept(driver: Driver) -> None:
    with listening() as listener:
        url = url_of(listener.getsockname())
        times_out("header", lambda given: driver.connect(f"{url}?connection_timeout={given}"))


def test_deadline_ends_with_the_handshake(driver: Driver, peer: Peer) -> None:
    with driver.connect(peer.url(), timeout=0.5) as connection:
        time.sleep(0.6)
        assert connection.is_open


def test_without_a_deadline_the_connection_opens_as_well(driver: Driver, peer: Peer) -> None:
    with driver.connect(peer.url(), timeout=None) as connection:
        assert connection.is_open
