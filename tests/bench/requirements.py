"""What must be installed before anything is measured, and how to get it."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, version

#: The libraries that we are measured beside, and the packages that they are in.
PEERS = {name: name for name in ("pamqp", "pika", "aiormq", "aio-pika", "amqpstorm")}
PEERS["py-amqp"] = "amqp"


class Missing(Exception):
    """Something that is needed is not installed; the text says how to get it."""

    def __init__(self, what: str, remedy: str, details: str = "") -> None:
        super().__init__(f"{what} not found: {remedy} (`make bench` does it)\n{details}".rstrip())


def peer_versions() -> dict[str, str]:
    """The version of each peer. Raises Missing."""
    try:
        return {name: version(package) for name, package in PEERS.items()}
    except PackageNotFoundError as error:
        raise Missing(f"package {error.name}", "python -m pip install --group bench") from None


def compiler() -> str:
    """The C compiler. Raises Missing."""
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        raise Missing("a C compiler", "apt-get install gcc")
    return found
