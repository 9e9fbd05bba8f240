"""A child's work: to connect once more, when all modules are loaded."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any


def second(client: str, what: str, url: str) -> Any:
    """What a client's function gives when it is called for the second time."""
    function = getattr(import_module(f"tests.bench.clients.{client}"), what)
    _result(function(url))
    return _result(function(url))


def _result(given: Any) -> Any:
    return asyncio.run(given) if hasattr(given, "__await__") else given
