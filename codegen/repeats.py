"""Tells a run that would change nothing without making it.

A run depends on the specifications, on the generator with its templates, on the packages that it
works with and on Python. After a run that ended well a hash of all of them and of every generated
file is kept. As long as their contents give that hash there is nothing to do; times of files do not
count, and a generated file that was edited by hand gives another one. `check` does not ask here.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from . import memory, places

#: What decides about the output besides the files of the generator.
PACKAGES = ("black", "jinja2", "lxml")

#: How many states are kept: of several checkouts or branches, one after the other.
CAPACITY = 50


def inputs(spec_dir: Path) -> str:
    """A hash of everything that a run depends on."""
    from importlib.metadata import version  # late: `diff` and `check` do not need it

    hashed = hashlib.sha256(repr([sys.version, *map(version, PACKAGES)]).encode())
    for directory, pattern in (
        (places.GENERATOR, "*.py"),
        (places.TEMPLATES, "*.j2"),
        (spec_dir, "*"),
    ):
        files = (path for path in sorted(directory.glob(pattern)) if path.is_file())
        _add(hashed, ((path.name, path.read_bytes()) for path in files))
    return hashed.hexdigest()


def state(depends_on: str, files: dict[str, bytes]) -> str:
    """A hash of what a run depends on together with what it made."""
    hashed = hashlib.sha256(depends_on.encode())
    _add(hashed, files.items())
    return hashed.hexdigest()


def is_known(made: str, file: Path) -> bool:
    """Whether an earlier run ended in this state."""
    return made in memory.read(file)


def keep(made: str, file: Path) -> None:
    """A run has ended in this state."""
    older = {known: text for known, text in memory.read(file).items() if known != made}
    memory.save(dict([*older.items(), (made, "")][-CAPACITY:]), file)


def _add(hashed: hashlib._Hash, files: Iterable[tuple[str, bytes]]) -> None:
    for name, data in files:
        hashed.update(f"{name} {len(data)}\n".encode() + data)
