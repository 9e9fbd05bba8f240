"""Whose a connection is: of the process that opened it.

The child of a fork has copies of its parent's descriptors, of the same streams. A byte that it
wrote or read, a shutdown, a line of TLS would be its parent's loss, so it does none of it: it drops
its copies, and whoever uses the connection there is told.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from weakref import ref

from amqpconn.errors import WrongProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn.core.endpoint import EndpointCore


class Owned(ABC):
    """A link of either driver, and the process that it belongs to once it is opened."""

    __slots__ = ("__weakref__", "_core", "_pid")

    def __init__(self, core: EndpointCore) -> None:
        self._core = core
        self._pid = 0

    def own(self) -> None:
        """This process opens it. Raises WrongProcess when another one has it open."""
        if self._pid:
            self.check_process()
        self._pid = os.getpid()
        _owned.add(ref(self, _owned.discard))

    @property
    def is_inherited(self) -> bool:
        """Whether this is the child of a fork, and the stream its parent's."""
        return self._pid not in (0, os.getpid()) and self._core.is_alive

    def check_process(self) -> None:
        """Raises WrongProcess. To be asked before a lock is taken: at the fork another thread of
        the parent may have held it, and nobody in the child ever lets it go.
        """
        if self._pid != os.getpid() and self.is_inherited:
            raise WrongProcess(
                f"this connection was opened by process {self._pid}, and this is {os.getpid()}"
            )

    @abstractmethod
    def forked(self) -> None:
        """In the child of a fork: drop the copies of descriptors, without a word to the peer."""


_owned: set[ref[Owned]] = set()


def _after_fork() -> None:
    for owned in list(_owned):
        link = owned()
        if link is not None:
            link.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
