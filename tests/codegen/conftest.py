"""What the generator makes of specifications that take their time, made once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs within these tests remember what they formatted; empty at first."""
    return tmp_path_factory.mktemp("cache") / "formatted.json"
