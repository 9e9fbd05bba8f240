"""From a target to a connected stream: name lookup, one address after the other, TLS.

Another thread may break it off at any moment: `interrupt` wakes whatever it waits for.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from selectors import EVENT_WRITE
from time import monotonic

from amqpconn import errors, transport
from amqpconn._typing import cast
from amqpconn.sync._waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import Protocol

    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.errors import ConnectionFailed
    from amqpconn.sync._bridge import ByteStream
    from amqpconn.transport import AddressInfo, Target

    class Stream(Protocol):
        """A byte stream with a file number: a socket, an SSLSocket, or what behaves like one."""

        def fileno(self) -> int:
            """Its number for selectors."""

        def settimeout(self, timeout: float | None, /) -> None:
            """Seconds that recv and send may block; None: for ever."""

        def recv(self, size: int, /) -> bytes:
            """Some bytes; none at the end."""

        def send(self, data: bytes | memoryview, /) -> int:
            """Write some of it and tell how much."""

        def close(self) -> None:
            """Close it."""

    # Makes a connected stream of the user's own; it is given the seconds that are left, or None. It
    # runs on a thread of its own, which is not waited for when `open` has to end before it does;
    # the stream that it then makes in vain is closed.
    Connector = Callable[[float | None], Stream | ByteStream]


class Dial:
    """One attempt to get a stream.

    Attributes:
        stream: the socket so far, connected or not; whoever dials closes it in the end. It does not
            block once `run` is done.
    """

    __slots__ = ("_answered", "_connector", "_core", "_interrupted", "_target", "stream")

    def __init__(self, target: Target, core: EndpointCore, connector: Connector | None) -> None:
        self.stream: Stream | None = None
        self._target = target
        self._core = core
        self._connector = connector
        self._answered: threading.Event | None = None  # while something is waited for
        self._interrupted = False

    def run(self) -> Stream:
        """Connect. Raises OSError (TimeoutError when the deadline has passed), ConnectionFailed."""
        if self._connector is not None:
            transport.check_not_redirected(self._core.detours)
            self._core.enter("connect", monotonic())
            self._ask(self._connector)
        else:
            self._reach(self._target.known_addresses or self._resolve())
            if self._target.ssl is not None:
                self._start_tls(self._target.ssl)
        return cast("Stream", self.stream)

    def _ask(self, connector: Connector) -> None:
        """Have the user's function make the stream. Raises what it raises, and TimeoutError."""
        from amqpconn.sync._offer import Offer

        remaining = self._remaining()
        answered = self._to_be_answered()
        offer = Offer(lambda: connector(remaining), answered.set)
        try:
            offer.begin()
            if not answered.wait(remaining):
                raise TimeoutError("the connector gave no stream")
            self._check_interrupted()
        finally:
            self._answered = None
            given = offer.take()
            if given is not None:
                self.stream = _watchable(given)
        if offer.error is not None:
            raise offer.error
        cast("Stream", self.stream).settimeout(0)

    def interrupt(self) -> None:
        """Wake the thread that dials or reads: it finds the stream shut down.

        Whoever makes or replaces `stream` looks at `_interrupted` afterwards, so it misses nothing.
        """
        self._interrupted, answered = True, self._answered
        if answered is not None:
            answered.set()
        if isinstance(self.stream, socket.socket):
            with suppress(OSError):  # not connected yet, or no longer
                # Of the socket itself: an SSLSocket would forget its TLS while another thread reads
                socket.socket.shutdown(self.stream, socket.SHUT_RDWR)

    def _to_be_answered(self) -> threading.Event:
        """Something to wait for, which `interrupt` sets too."""
        answered = self._answered = threading.Event()
        if self._interrupted:
            answered.set()
        return answered

    def _resolve(self) -> list[AddressInfo]:
        """Look the name up. Raises TimeoutError, ConnectionFailed."""
        self._core.enter("resolve", monotonic())
        told: list[tuple[list[AddressInfo], ConnectionFailed | None]] = []

        def tell(addresses: list[AddressInfo], error: ConnectionFailed | None) -> None:
            told.append((addresses, error))
            answered.set()

        answered = self._to_be_answered()
        transport.look_up(self._target, tell)
        if not answered.wait(self._remaining()):
            raise TimeoutError("the resolver did not answer")
        self._answered = None
        self._check_interrupted()
        addresses, error = told[0]
        if error is not None:
            raise error
        return addresses

    def _reach(self, addresses: list[AddressInfo]) -> None:
        self._core.enter("connect", monotonic())
        failed: list[ConnectionFailed] = []
        left = len(addresses)
        for address in addresses:
            began = monotonic()
            try:
                self._attempt(address, left)
            except OSError as error:
                self._check_interrupted()
                if left == 1 and is_ours(error):
                    raise
                took = monotonic() - began
                failed.append(transport.attempt_failed(error, self._target, address, took))
                left -= 1
            else:
                transport.reached(self._core, self._target, address)
                return
        raise transport.several(failed, self._target)

    def _attempt(self, address: AddressInfo, left: int) -> None:
        sock = transport.new_socket(address)
        self.stream = sock
        try:
            code = transport.begin(sock, address)
            if self._interrupted:
                raise errors.OpenAborted("interrupted")
            if code == transport.IN_PROGRESS:
                remaining = self._remaining()
                code = _outcome(sock, transport.share(remaining, left) or remaining)
            if code:
                raise OSError(code, os.strerror(code))
        except OSError:
            sock.close()
            raise

    def _start_tls(self, context: SSLContext) -> None:
        self._core.enter("tls", monotonic())
        sock = cast("socket.socket", self.stream)
        secure = transport.secured(sock, context, server_hostname=self._target.server_hostname)
        self.stream = secure
        self._check_interrupted()
        secure.settimeout(self._remaining())
        secure.do_handshake()
        secure.settimeout(0)

    def _check_interrupted(self) -> None:
        if self._interrupted:
            raise errors.OpenAborted("interrupted")

    def _remaining(self) -> float | None:
        return at_least_a_moment(self._core.remaining(monotonic()))


def _watchable(given: object) -> Stream:
    """The stream itself, or a socket in front of it."""
    if hasattr(given, "fileno"):
        return cast("Stream", given)
    from amqpconn.sync._bridge import bridged

    return bridged(cast("ByteStream", given))


def _outcome(sock: socket.socket, timeout: float | None) -> int:
    """The error number of an attempt to connect, 0 for none. Raises TimeoutError."""
    if not Waiting(sock).ready(EVENT_WRITE, timeout):
        raise TimeoutError("the address did not answer")
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def at_least_a_moment(seconds: float | None) -> float | None:
    """A timeout for a socket: 0 would mean 'do not block' there."""
    return None if seconds is None else max(seconds, 0.001)


def is_ours(error: OSError) -> bool:
    """Whether it is our own deadline that passed, and not one of the system's (ETIMEDOUT)."""
    return isinstance(error, TimeoutError) and error.errno is None
