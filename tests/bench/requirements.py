"""What must be installed before anything is measured, and how to get it."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, version

#: The libraries that we are measured beside, by the names of their packages.
PEERS = ("pamqp", "pika", "amqp", "aiormq", "aio-pika", "amqpstorm")


class Missing(Exception):
    """Something that is needed is not installed; the text says how to get it."""

    def __init__(self, what: str, remedy: str, details: str = "") -> None:
        super().__init__(f"{what} not found: {remedy} (`make bench` does it)\n{details}".rstrip())


def peer_versions() -> dict[str, str]:
    """The version of each peer. Raises Missing."""
    try:
        return {name: version(name) for name in PEERS}
    except PackageNotFoundError as error:
        raise Missing(f"package {error.name}", "python -m pip install --group bench") from None


def compiler() -> str:
    """The C compiler. Raises Missing."""
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        raise Missing("a C compiler", "apt-get install gcc")
    return found
