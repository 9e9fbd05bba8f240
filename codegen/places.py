"""Where the generator has its own files, and which files a generated package has."""

from __future__ import annotations

from pathlib import Path

GENERATOR = Path(__file__).parent
TEMPLATES = GENERATOR / "templates"

#: What was formatted already, and in which states earlier runs ended; see memory.py.
CACHE = GENERATOR / "__pycache__" / "formatted.json"

#: The generated package.
PACKAGE = "amqpconn_spec"

IGNORED_SUFFIXES = (".pyc", ".pyo")


def read(output: Path, package: str) -> dict[str, bytes]:
    """Every file of the package by its path under `output`, except for what Python puts there."""
    found = {}
    for path in sorted((output / package).rglob("*")):
        own = "__pycache__" not in path.parts and path.suffix not in IGNORED_SUFFIXES
        if own and path.is_file():
            found[path.relative_to(output).as_posix()] = path.read_bytes()
    return found
