"""The observer for the standard library's logging, ready to be used."""

from __future__ import annotations

from amqpconn.observer import Observer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger

    from amqpconn.core.handshake import Agreement
    from amqpconn.core.lifecycle import EndpointState
    from amqpconn.core.records import FrameRecord
    from amqpconn.errors import AMQPError, ConnectionFailed


class LoggingObserver(Observer):
    """Logs what a connection does: failures as errors; closed channels, a blocked broker and
    credentials that were not renewed as warnings; states and limits as information; phases, calls
    and frames for debugging.

    Records are put into words by the handlers that take them. None has credentials or messages in
    it. A handler that writes slowly slows the connection down: give it a QueueHandler. One that
    sends its records over the same connection would never end.

    Args:
        name: begins every record, to tell several connections apart.
        logger: 'amqpconn' unless given.
    """

    def __init__(self, name: str = "", logger: Logger | None = None) -> None:
        from logging import getLogger  # late: it takes longer to import than all of the core

        self._logger = getLogger("amqpconn") if logger is None else logger
        self._name = f"{name}: " if name else ""

    def state_changed(self, old: EndpointState, new: EndpointState) -> None:
        """INFO."""
        self._logger.info("%s%s, was %s", self._name, new.value, old.value)

    def phase_entered(self, phase: str) -> None:
        """DEBUG."""
        self._logger.debug("%sphase %s", self._name, phase)

    def negotiated(self, agreement: Agreement) -> None:
        """INFO."""
        self._logger.info(
            "%sAMQP %s, mechanism %s, %s",
            self._name,
            agreement.protocol_version,
            agreement.mechanism,
            agreement.tuning,
        )

    def frame_received(self, frame: FrameRecord) -> None:
        """DEBUG."""
        self._logger.debug("%s%s", self._name, frame)

    def frame_sent(self, frame: FrameRecord) -> None:
        """DEBUG."""
        self._logger.debug("%s%s", self._name, frame)

    def blocked(self, reason: str) -> None:
        """WARNING."""
        self._logger.warning("%sthe broker takes no messages: %r", self._name, reason)

    def unblocked(self) -> None:
        """INFO."""
        self._logger.info("%sthe broker takes messages again", self._name)

    def secret_failed(self, error: ConnectionFailed) -> None:
        """WARNING."""
        self._logger.warning("%sthe credentials were not renewed: %s", self._name, error)

    def call_finished(
        self, method: str, channel: int, seconds: float, error: AMQPError | None
    ) -> None:
        """DEBUG."""
        outcome = "answered" if error is None else f"failed with {type(error).__name__}"
        self._logger.debug(
            "%s%s on channel %d %s after %.4f s", self._name, method, channel, outcome, seconds
        )

    def channel_closed(self, channel: int, error: AMQPError | None) -> None:
        """WARNING with an error, DEBUG without."""
        if error is None:
            self._logger.debug("%schannel %d is closed", self._name, channel)
        else:
            self._logger.warning("%schannel %d is closed: %s", self._name, channel, error)

    def closed(self, error: ConnectionFailed | None) -> None:
        """ERROR with an error, INFO without."""
        if error is None:
            self._logger.info("%sthe connection is closed", self._name)
        else:
            self._logger.error("%sthe connection has failed: %s", self._name, error)
