"""The sdist and the wheel: they build, hold what they should, and work where nothing else is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Run in the empty environment: whatever is imported comes from the standard library or the wheel.
# What was there before does not count, such as the sitecustomize that Debian adds.
PROBE = """
import importlib, sys

before = set(sys.modules)
for name in ("amqpconn", "amqpconn.sync", "amqpconn.asyncio", "amqpconn_spec.v0_9_1"):
    importlib.import_module(name)
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded - sys.stdlib_module_names))
print(sys.modules["amqpconn"].__file__)
"""


def run(*command: str, folder: Path) -> str:
    """Run a command that must succeed; the test shows all it printed when it does not."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist from this tree and the wheel from the sdist; return their folder."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), folder=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(distribution: Path) -> Path:
    """The wheel, of which there is one for all platforms."""
    (found,) = distribution.glob("amqpconn-*-py3-none-any.whl")
    return found


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    (metadata,) = tops - {"amqpconn", "amqpconn_spec"}
    assert metadata.endswith(".dist-info")
    assert {"amqpconn/py.typed", "amqpconn_spec/py.typed"} <= set(names)
    assert f"{metadata}/licenses/LICENSE" in names


def test_the_wheel_registers_the_fixtures_of_pytest(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
    module = "amqpconn.testing.pytest_plugin"
    assert archive.read(name).decode().split() == ["[pytest11]", module, "=", module]


def test_the_wheel_holds_every_module_of_the_tree(wheel: Path) -> None:
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    sources = {
        str(path.relative_to(root))
        for root, package in ((ROOT, "amqpconn"), (ROOT / "generated", "amqpconn_spec"))
        for path in (root / package).rglob("*.py")
    }
    assert "amqpconn_spec/v0_9_1/connection.py" in sources
    assert shipped == sources


def test_the_sdist_holds_what_rebuilding_and_testing_need(distribution: Path) -> None:
    (archive,) = distribution.glob("amqpconn-*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "Makefile",
        "README.md",
        "LICENSE",
        "pyproject.toml",
        "spec/versions.toml",
        "codegen/__main__.py",
        "generated/amqpconn_spec/py.typed",
        "tests/conftest.py",
    } <= names
    templates = [name for name in names if name.startswith("codegen/templates/")]
    assert templates


def test_the_wheel_works_where_nothing_else_is_installed(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "empty"
    venv.create(environment, with_pip=False)
    python = str(environment / "bin" / "python")
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel), folder=tmp_path)
    others, location = run(python, "-I", "-c", PROBE, folder=tmp_path).splitlines()
    assert others == "['amqpconn', 'amqpconn_spec']"
    assert Path(location).is_relative_to(environment)
