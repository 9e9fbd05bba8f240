"""Importing the peer takes little, and nothing that a user would have to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What takes milliseconds, and is not needed for a peer in clear text.
EXPENSIVE = {"asyncio", "dataclasses", "email", "inspect", "logging", "ssl", "typing", "unittest"}


def imported() -> set[str]:
    """The top-level modules in a fresh interpreter after the import."""
    paths = f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'generated')!r}]"
    code = f"import sys; {paths}; import amqpconn.testing; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_only_the_standard_library_is_needed() -> None:
    ours = {"amqpconn", "amqpconn_spec", "__main__"}
    assert imported() - set(sys.stdlib_module_names) <= ours


def test_nothing_expensive_is_imported() -> None:
    assert not imported() & EXPENSIVE
