"""The connection manager: everything on channel 0 from the protocol header to close-ok. `states`
says what may follow what.
"""

from __future__ import annotations

from amqpconn import errors
from amqpconn._late import Late
from amqpconn._typing import cast
from amqpconn.core.events import SecretWanted
from amqpconn.core.states import (
    CLOSED,
    DISCARDING,
    HEADER,
    OPENED,
    PHASES,
    RECEIVED,
    REMEMBERED,
    SENT,
    IllegalStep,
    Machine,
    Role,
    State,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final, Protocol

    from amqpconn.auth import AuthMethod
    from amqpconn.config import Settings
    from amqpconn.core.dialect import Dialect
    from amqpconn.core.handshake import Agreement, Handshake, OpenRequest
    from amqpconn.core.negotiation import Tuning
    from amqpconn.core.output import Output
    from amqpconn.core.servers import Offer
    from amqpconn.errors import ConnectionFailed, ProtocolViolation, UnexpectedMethod
    from amqpconn.secret import Secret
    from amqpconn_spec import _wire as wire
    from amqpconn_spec._base import Method
    from amqpconn_spec.v0_9_1 import connection

    class Side(Protocol):
        """What the manager needs of its endpoint."""

        output: Output  # behind everything that waits there

        def tuned(self, tuning: Tuning) -> None:
            """The limits are agreed."""

        def sent_ahead(self) -> None:
            """All that leads to open-ok is said, as answers to what the server said last time."""

        def opened(self, heard: list[Method]) -> None:
            """The handshake is done, after the server said these."""

        def open_first_channel(self) -> None:
            """Ask for the channel that is wanted with the connection."""

        def secret_wanted(self, question: SecretWanted) -> None:
            """The driver is to ask for what the next method waits for."""

        def secret_used(self, auth: AuthMethod, life_s: float) -> None:
            """A secret goes out, which holds that long."""

        def redirected(self, host: str) -> None:
            """The server wants another one to be used."""

        def blocked(self, reason: str | None) -> None:
            """The server takes no messages for `reason`, or takes them again (None)."""

        def control_reply(self, method: Method) -> None:
            """An answer to a call on channel 0."""

        def closing_by_peer(self, error: ConnectionFailed) -> None:
            """The server has closed; its close is answered."""

        def closing_meanwhile(self, error: ConnectionFailed) -> None:
            """The server has closed, as we have; its close is answered."""

        def hang_up(self, quick: bool) -> None:
            """The stream is to be closed, at once or after what is left to be written."""

else:
    wire = Late("amqpconn_spec._wire")


_SHORT_STRING_LIMIT: Final = 255
# In place of the handshake, which there is from start to open-ok only, and of the side when the
# stream is gone. What needs one runs only in the states between: the machine sees to that, so it
# need not be asked for there.
_NONE: Final[Any] = None


class ConnectionManager(Machine):
    """Handshake, blocked and unblocked, close. One per endpoint, for one connection."""

    __slots__ = (
        "_before",
        "_dialect",
        "_handshake",
        "_offer",
        "_settings",
        "_side",
        "agreement",
        "blocked_reason",
        "question",
    )

    def __init__(self, side: Side, dialect: Dialect, settings: Settings) -> None:
        super().__init__(Role.CLIENT)
        self.agreement: Agreement | None = None
        self.question: SecretWanted | None = None  # what start-ok or secure-ok waits for
        self.blocked_reason: str | None = None
        self._side = side
        self._dialect = dialect
        self._settings = settings
        self._handshake: Handshake = _NONE
        self._offer: Offer | None = None  # what was answered ahead, until open-ok
        self._before = CLOSED

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done and nobody has closed."""
        return self.state is OPENED

    @property
    def is_ahead(self) -> bool:
        """Whether the server's answers were answered before they came, and open-ok is not there."""
        return self._offer is not None and self.state is not State.RECALLED

    @property
    def is_discarding(self) -> bool:
        """Whether what arrives no longer counts, but for close and close-ok."""
        return self.state in DISCARDING

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing more to say or to hear."""
        return self.state is CLOSED

    def start(self, request: OpenRequest, offer: Offer | None = None) -> None:
        """The byte stream is there: send the protocol header; with an offer that is remembered,
        also the answers to it. Raises HandshakeFailed when there are no credentials.
        """
        handshake = self._handshake = request.handshake(self._dialect, self._settings)
        self.agreement = handshake.agreement
        if offer is None:
            self._greet()
        else:
            self._recall(offer)

    def _recall(self, offer: Offer) -> None:
        question = self._handshake.recalled(offer.start)
        if self._handshake is None:  # a function of the user's has closed
            return
        if question is None:
            self._greet()
        else:
            self.step(REMEMBERED + "connection.start")
            self._offer = offer
            self._ask(question)

    def _greet(self) -> None:
        self.step(SENT + HEADER)
        self._side.output.write(self._dialect.protocol_header)

    def receive(self, method: Method) -> None:
        """A method on channel 0. Raises UnexpectedMethod, and what the handshake raises."""
        self._before = self.state
        try:
            counts = self.step(RECEIVED + method.NAME)
        except IllegalStep as step:
            raise self._unexpected(method) from step
        if counts:
            _HANDLERS[method.NAME](self, method)

    def abandon(self) -> None:
        """The stream is given up; credentials are needed no longer."""
        super().abandon()
        self._handshake, self._offer, self.question = _NONE, None, None
        self._side = _NONE  # so that neither needs the garbage collector

    def close(self, reply_code: int, reply_text: str) -> None:
        """Send connection.close on an open connection, with as much of the text as fits.

        Raises EncodeError for a code that is none.
        """
        self._send(self._dialect.Close(reply_code, short_text(reply_text)))

    def close_for(self, error: ProtocolViolation) -> None:
        """Tell the server what it did wrong."""
        self.close(self._dialect.close_code(error.close_code), error.what)

    # --- the handshake ---

    def _on_start(self, start: connection.Start) -> None:
        if self._offer is None:
            self._ask(self._handshake.start(start))
        else:
            self._handshake.confirm(start, self._offer.start)

    def _on_secure(self, secure: connection.Secure) -> None:
        self._ask(self._handshake.secure(secure))

    def _ask(self, question: SecretWanted | Secret) -> None:
        """Answer with what is known, or with what the user's function gives at once, or have the
        driver ask it.
        """
        if self._handshake is None:  # a function of the user's has closed
            return
        if not isinstance(question, SecretWanted):
            self._login(self._dialect.StartOk.NAME, question)
            return
        self.question = question
        secret = self._handshake.at_once(question)
        if self.question is not question:  # this one has
            return
        if secret is None:
            self._side.secret_wanted(question)
        else:
            self.question = None
            self._login(question.method, secret)

    def take_secret(self, given: object) -> None:
        """The answer to `question` is there: send what waits for it. Raises HandshakeFailed."""
        question, self.question = cast("SecretWanted", self.question), None
        try:
            secret = self._handshake.taken(question, given)
        finally:
            del given  # this frame goes with an error
        self._login(question.method, secret)

    def _login(self, method: str, secret: Secret) -> None:
        """Send what waits for the secret, and what need not wait for the server then."""
        handshake = self._handshake
        if self._offer is not None:
            self._greet()
        size = self._answer(handshake.answer(method, secret))
        if not handshake.agreement.login_size:
            handshake.agreement.login_size = size
        if secret.expires_in_s is not None:
            self._side.secret_used(handshake.auth, secret.expires_in_s)
        if self._offer is not None:
            self.step(REMEMBERED + "connection.tune")
            self._answer_tune(self._offer.tune)
            self._side.sent_ahead()

    def _on_tune(self, tune: connection.Tune) -> None:
        if self._offer is None:
            self._answer_tune(tune)
        else:
            self._handshake.confirm(tune, self._offer.tune)
            self._handshake.agreement.opened_fast = True
        self._side.tuned(self._handshake.tuning)

    def _answer_tune(self, tune: connection.Tune) -> None:
        handshake = self._handshake
        tune_ok, open_ = handshake.tune(tune)
        self._send(tune_ok)
        self._answer(open_)
        if handshake.wants_channel and handshake.is_with_rabbitmq:
            self._ask_for_channel(handshake)

    def _on_open_ok(self, _: connection.OpenOk) -> None:
        handshake = self._handshake
        if handshake.wants_channel:
            self._ask_for_channel(handshake)
        self._handshake, self._offer = _NONE, None
        self._side.opened(handshake.heard)

    def _ask_for_channel(self, handshake: Handshake) -> None:
        """Send channel.open, once, for the channel that is wanted with the connection.

        RabbitMQ takes it behind open, in the same write; by the specification nobody has to take it
        before open-ok is there.
        """
        handshake.wants_channel = False
        self.step(SENT + self._dialect.ChannelOpen.NAME)
        self._side.open_first_channel()

    def _on_redirect(self, redirect: Any) -> None:
        """Only 0-8 and 0-9 have it: `host`, and `known_hosts` that nobody needs."""
        self._side.redirected(redirect.host)

    # --- in use ---

    def _on_blocked(self, blocked: connection.Blocked) -> None:
        self.blocked_reason = blocked.reason
        self._side.blocked(blocked.reason)

    def _on_unblocked(self, _: connection.Unblocked) -> None:
        self.blocked_reason = None
        self._side.blocked(None)

    def _on_update_secret_ok(self, answer: connection.UpdateSecretOk) -> None:
        self._side.control_reply(answer)

    # --- the end ---

    def _on_close(self, close: connection.Close) -> None:
        if self.is_ahead:
            raise self._closed(close)
        self.question = None
        if self._before is State.CLOSE_SENT:
            self._side.closing_meanwhile(self._closed(close))
        elif self._before is not State.CLOSE_RECEIVED:
            self._side.closing_by_peer(self._closed(close))
        self._send(self._dialect.CloseOk())

    def _on_close_ok(self, _: connection.CloseOk) -> None:
        self._side.hang_up(quick=False)

    def _closed(self, close: connection.Close) -> ConnectionFailed:
        from amqpconn.core import reasons  # late: so is what else only an error needs
        from amqpconn.errors import connection_closed

        code, text = close.reply_code, close.reply_text
        about = self._dialect.method_name(close.class_id, close.method_id)
        codes, phase = self._dialect.reply_codes, PHASES[self._before]
        scope = reasons.refusal(codes, phase, code, text, about)
        error = connection_closed(code, text, about, scope)
        return reasons.explained(error, phase, self.agreement)

    def _answer(self, method: Method) -> int:
        """Send a method of the handshake; what a user gave for it may not fit into it, or may be
        more than the server takes.

        Returns the size of its frame. Raises HandshakeFailed.
        """
        try:
            frame = method.encode_frame(0)
        except wire.EncodeError as error:
            error = error.with_traceback(None)  # its frames have the secret
            raise errors.HandshakeFailed(
                f"the answer to the server cannot be written: {error}"
            ) from error
        try:
            size, limit = len(frame), self._settings.initial_frame_max
            if size > (limit or self._dialect.frame_min_size):
                from amqpconn.core.initial_frame import check_size  # late: most are smaller

                check_size(method, size, self._handshake.agreement, limit)
            self.step(SENT + method.NAME)
            self._side.output.write(frame)
        finally:
            del frame  # this frame goes with an error
        return size

    def _send(self, method: Method) -> None:
        frame = method.encode_frame(0)
        if self.step(SENT + method.NAME):
            self._side.output.write(frame)

    def expected(self) -> list[str]:
        """The names of what the server may send now, in this version of the protocol."""
        known = {HEADER, *self._dialect.names.values()}
        return [name for name in super().expected() if name in known]

    def _unexpected(self, method: Method) -> UnexpectedMethod:
        state, expected = self.state.value, " or ".join(self.expected())
        return errors.UnexpectedMethod(
            f"{method.NAME} came in state '{state}'; expected: {expected or 'nothing'}"
        )


_HANDLERS: Final[dict[str, Callable[[ConnectionManager, Any], None]]] = {
    "connection.start": ConnectionManager._on_start,
    "connection.secure": ConnectionManager._on_secure,
    "connection.tune": ConnectionManager._on_tune,
    "connection.open-ok": ConnectionManager._on_open_ok,
    "connection.redirect": ConnectionManager._on_redirect,
    "connection.blocked": ConnectionManager._on_blocked,
    "connection.unblocked": ConnectionManager._on_unblocked,
    "connection.update-secret-ok": ConnectionManager._on_update_secret_ok,
    "connection.close": ConnectionManager._on_close,
    "connection.close-ok": ConnectionManager._on_close_ok,
}


def short_text(text: str) -> str:
    """As much of it as a short string takes: 255 bytes, no character cut in two."""
    return text.encode("utf-8", "replace")[:_SHORT_STRING_LIMIT].decode("utf-8", "ignore")
