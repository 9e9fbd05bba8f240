"""What the tests of AMQP 0-9 and 0-8 share: their overlays, and a folder to generate from."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

from codegen.model import Protocol, ResolvedMethod
from codegen.pipeline import load_protocols

SPEC = Path(__file__).parents[2] / "spec"

# What versions.toml is to say.
VERSIONS: dict[str, dict[str, Any]] = tomllib.loads("""
[v0_8]
base = "amqp0-8.xml"
overlays = ["rabbitmq-0-8.overlay.xml", "secrets.overlay.xml"]

[v0_9]
base = "amqp0-9.xml"
overlays = [
    "corrections-0-9.overlay.xml",
    "rabbitmq-0-9.overlay.xml",
    "secrets.overlay.xml",
    "secrets-0-9.overlay.xml",
]
""")


def scratch_spec(folder: Path, versions: dict[str, dict[str, Any]] = VERSIONS) -> Path:
    """A copy of spec/ that makes the older versions and nothing else."""
    folder.mkdir()
    for file in [*SPEC.glob("*.xml"), *SPEC.glob("*.rng")]:
        shutil.copy(file, folder)
    tables = (
        f"[{package}]\nbase = {json.dumps(table['base'])}\n"
        f"overlays = {json.dumps(table['overlays'])}\n"
        for package, table in versions.items()
    )
    (folder / "versions.toml").write_text("\n".join(tables), encoding="utf-8")
    return folder


def protocols(folder: Path) -> dict[str, Protocol]:
    """Every version that a folder's manifest lists, resolved."""
    return {protocol.package: protocol for protocol in load_protocols(folder)}


def methods(protocol: Protocol) -> dict[str, ResolvedMethod]:
    """The methods of all classes by their names, such as "connection.open-ok"."""
    return {method.full_name: method for found in protocol.classes for method in found.methods}
