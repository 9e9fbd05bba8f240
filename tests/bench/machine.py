"""Where a run took place: nothing that names a machine or a path."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from amqpconn.sync import connect
from tests.bench.requirements import peer_versions
from tests.bench.session import Session


def about(session: Session) -> dict[str, str]:
    """What figures depend on, by what it is."""
    versions = [f"{name} {version}" for name, version in peer_versions().items()]
    return {
        "machine": f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "broker": _broker(session.url),
        "libraries": ", ".join([*versions, f"librabbitmq {session.in_c('version')}"]),
    }


def _processor() -> str:
    """The model of the processor as Linux tells it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "an unknown processor"


def _broker(url: str) -> str:
    with connect(url) as connection:
        properties: dict[str, Any] = dict(connection.server_properties)
        return f"{properties['product']} {properties['version']}, on the loopback"
