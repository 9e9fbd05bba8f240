"""What takes the generator its time, made once for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from codegen import output, places
from codegen.model import Protocol
from codegen.pipeline import generate, load_protocols, unformatted
from codegen.places import PACKAGE
from tests.codegen import synthetic
from tests.codegen.specs import SPEC

#: The package of the synthetic specification, in a parent that is not called like the real one.
VERSION = "synthetic"
PARENT = "generated_for_tests"


@dataclass(frozen=True)
class Made:
    """The synthetic specification, and what was generated from it, ready to be imported."""

    output: Path
    files: dict[str, str]
    protocol: Protocol

    def module(self, name: str) -> ModuleType:
        """A module of the version's package, such as "registry"."""
        return import_module(f"{PARENT}.{VERSION}.{name}")

    @property
    def wire(self) -> ModuleType:
        """The module with the errors that its codecs raise."""
        return import_module(f"{PARENT}._wire")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs within these tests remember what they formatted; empty at first."""
    return tmp_path_factory.mktemp("cache") / "formatted.json"


@pytest.fixture(scope="session")
def ours() -> dict[str, str]:
    """What spec/ makes; of black's results only those that are remembered by their contents."""
    return generate(SPEC, places.CACHE)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """The synthetic version. It is not formatted, because it is large and black is slow."""
    directory = tmp_path_factory.mktemp("made")
    (directory / "synthetic.xml").write_text(synthetic.specification(), encoding="utf-8")
    (directory / "secrets.xml").write_text(synthetic.secrets(), encoding="utf-8")
    manifest = f'[{VERSION}]\nbase = "synthetic.xml"\noverlays = ["secrets.xml"]\n'
    (directory / "versions.toml").write_text(manifest)
    for schema in SPEC.glob("*.rng"):
        (directory / schema.name).write_bytes(schema.read_bytes())
    files = {
        path.replace(PACKAGE, PARENT, 1): text for path, text in unformatted(directory).items()
    }
    output.write(files, directory / "out", PARENT)
    (protocol,) = load_protocols(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(directory / "out")
        yield Made(directory / "out", files, protocol)
    for name in [name for name in sys.modules if name.partition(".")[0] == PARENT]:
        del sys.modules[name]
