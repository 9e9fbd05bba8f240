"""Importing the peer takes little, and nothing that a user would have to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What takes milliseconds, and is not needed for a peer in clear text.
EXPENSIVE = {"asyncio", "dataclasses", "email", "inspect", "logging", "ssl", "typing", "unittest"}


def imported(statement: str = "from amqpconn.testing import Peer, On, Cut") -> set[str]:
    """The modules in a fresh interpreter after an import."""
    paths = f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'generated')!r}]"
    code = f"import sys; {paths}; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_only_the_standard_library_is_needed() -> None:
    ours = {"amqpconn", "amqpconn_spec", "__main__"}
    names = {name.partition(".")[0] for name in imported()}
    assert names - set(sys.stdlib_module_names) <= ours


def test_nothing_expensive_is_imported() -> None:
    assert not imported() & EXPENSIVE


def test_plugin_imports_nothing_more() -> None:
    """Pytest imports it in every run, for its fixtures, before coverage is measured."""
    statement = "import pytest, amqpconn.testing.pytest_plugin"
    statement = f"sys.path += {sys.path!r}; {statement}"
    ours = {name for name in imported(statement) if name.startswith("amqpconn")}
    assert ours == {"amqpconn", "amqpconn.testing", "amqpconn.testing.pytest_plugin"}
