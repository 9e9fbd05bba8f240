"""Modules that not every connection needs."""

from __future__ import annotations


class Late:
    """A module that is loaded when something in it is first asked for.

    So are those that functions import. But these look for it at every call, which takes about as
    long as reading a URL.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> object:
        from importlib import import_module  # late: it takes longer than most modules of ours

        value = getattr(import_module(self._name), name)
        setattr(self, name, value)
        return value
