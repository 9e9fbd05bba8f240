"""Credentials that expire, renewed while the connection is open (RabbitMQ's update-secret).

They are asked for again when four fifths of their life are over, and at least five seconds before
its end (of a life below ten seconds: at half of it). What fails is told, and tried again after one
second, two, four and so on, until they have expired. While the server is blocked it does not read,
so nothing is asked before it reads again; and an answer to update-secret that does not come is no
refusal.
"""

from __future__ import annotations

from amqpconn._typing import cast
from amqpconn.core import secrets
from amqpconn.errors import ConnectionFailed, CredentialsFailed, LocalError
from amqpconn_spec._wire import EncodeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn.auth import AuthMethod
    from amqpconn.core.clockwork import Deadlines
    from amqpconn.core.endpoint import EndpointCore
    from amqpconn.core.events import Call, SecretWanted

LEAD: Final = 0.2
LEAST_LEAD_S: Final = 5.0
FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 60.0
METHOD: Final = "connection.update-secret"
REASON: Final = "renewed before it expires"


def lead_s(life_s: float) -> float:
    """How long before the end of a life the renewal begins."""
    return max(life_s * LEAD, min(LEAST_LEAD_S, life_s / 2))


class Renewal:
    """The renewal of one connection's credentials; of those that do not expire it does nothing.

    Attributes:
        question: what the driver is asking, None when it is not.
        error: why the last renewal failed, None after one that did not.
    """

    __slots__ = (
        "_auth",
        "_call",
        "_deadlines",
        "_expires_at",
        "_failures",
        "_is_overdue",
        "_life_s",
        "_sent",
        "_side",
        "error",
        "question",
    )

    def __init__(self, side: EndpointCore, deadlines: Deadlines) -> None:
        self.question: SecretWanted | None = None
        self.error: ConnectionFailed | None = None
        self._side = side
        self._deadlines = deadlines
        self._auth: AuthMethod | None = None
        self._expires_at = self._life_s = 0.0
        self._call: Call | None = None
        self._sent: tuple[float | None, float] = None, 0.0  # how long it holds, and since when
        self._failures = 0
        self._is_overdue = False

    # --- when ---

    def used(self, auth: AuthMethod, life_s: float | None, now: float) -> None:
        """A secret of this method was sent, which holds that long; None says nothing about it."""
        if life_s is not None:
            self._auth, self._life_s, self._expires_at = auth, life_s, now + life_s

    def begin(self) -> None:
        """The connection is open."""
        if self._auth is not None:
            self._deadlines.set("renewal", self._expires_at - lead_s(self._life_s))
            self._deadlines.set("expiry", self._expires_at)

    def stop(self) -> None:
        """The connection closes, by whichever side; nobody needs the credentials any more."""
        self.question = self._call = self._auth = None
        self._is_overdue = False
        self._deadlines.set("renewal", None)
        self._deadlines.set("expiry", None)

    # --- what happens ---

    def due(self, now: float) -> None:
        """The time for the renewal has come."""
        if self._side.manager.blocked_reason is not None:
            self._is_overdue = True
            return
        auth = cast("AuthMethod", self._auth)
        question = self.question = secrets.wanted(METHOD, auth, auth.renew)
        try:
            self._check_possible()
            secret = secrets.at_once(question)
        except ConnectionFailed as error:
            self._side.no_secret(question, error, now)
        else:
            if secret is None:
                self._side.secret_wanted(question)
            else:
                self._side.take_secret(question, secret, now)

    def unblocked(self, now: float) -> None:
        """The server reads again."""
        if self._is_overdue:
            self._is_overdue = False
            self.due(now)

    def take(self, given: object, now: float) -> None:
        """The answer to `question` is there: tell the server."""
        question, self.question = cast("SecretWanted", self.question), None
        try:
            secret = secrets.taken(question, given)
            self._call = self._side.update_secret(secret.reveal(), REASON, now, None)
        except ConnectionFailed as error:
            self.failed(error, now)
        except (LocalError, EncodeError) as error:
            self.failed(secrets.failure(question, error.with_traceback(None)), now)
        else:
            self._sent = secret.expires_in_s, now
        finally:
            del given  # this frame goes with an error

    def failed(self, error: ConnectionFailed, now: float) -> None:
        """There is no answer to `question`: tell of it, and try again while there is time."""
        self.question = None
        self._tell(error, now)
        wait_s = min(FIRST_RETRY_S, lead_s(self._life_s) / 4) * 2**self._failures
        self._failures += 1
        again = now + min(wait_s, LONGEST_RETRY_S)
        if again < self._expires_at:
            self._deadlines.set("renewal", again)

    def settle(self) -> None:
        """Something on channel 0 was answered, perhaps the renewal: then all begins anew."""
        if self._call is not None and self._call.done:
            auth, (life_s, since) = cast("AuthMethod", self._auth), self._sent
            self.error, self._failures = None, 0
            self.stop()
            self.used(auth, life_s, since)
            self.begin()

    def expired(self, now: float) -> None:
        """Nothing came of it in time. What is on its way may still come, and is used then."""
        what = "the credentials have expired and could not be renewed"
        if self._call is not None:
            what = (
                f"the credentials have expired; the server has not answered {METHOD} with new ones"
            )
        elif self.question is not None:
            what = "the credentials have expired; the function for them has not given new ones"
        elif self._is_overdue:
            what = "the credentials have expired; the server is blocked and reads no new ones"
        error = CredentialsFailed(what)
        error.__cause__ = self.error
        self._tell(error, now)

    def explain(self, error: ConnectionFailed, now: float) -> None:
        """Name the renewal as the occasion of the server's close, where it is."""
        if error.failing_method == METHOD and self._call is not None:
            error.cause = (
                "the credentials were about to expire and were renewed without being asked to;"
                " the server did not take the new ones"
            )
            self._side.secret_failed(error, now)
        elif self.error is not None:
            error.cause = f"perhaps the credentials have expired: {self.error.what}"
            error.__cause__ = self.error

    def _tell(self, error: ConnectionFailed, now: float) -> None:
        self.error = error
        self._side.secret_failed(error, now)

    def _check_possible(self) -> None:
        if self._side.dialect.UpdateSecret is None:
            raise CredentialsFailed(
                f"AMQP {self._side.dialect.protocol} has no {METHOD};"
                " the connection may end when its credentials expire",
                remedy="use AMQP 0-9-1, or connect again before they expire",
            )
