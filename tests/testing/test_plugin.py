"""The fixtures, as another project's pytest finds and uses them; and the page that shows them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import amqpconn.testing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text()
PLUGIN = "amqpconn.testing.pytest_plugin"
ANY_METADATA = "Metadata-Version: 2.1\nName: registered\nVersion: 0\n"
FAILING = """
import amqpconn.sync
from amqpconn.testing import On

def fail(moment):
    raise LookupError("of an action")

def test_it_fails_in_the_end(amqp_peers):
    peer, other = amqp_peers(script=[On("connection.close", fail)]), amqp_peers(heartbeat=7)
    with amqpconn.sync.connect(other.url()) as connection:
        assert connection.tuning.heartbeat == 7
    amqpconn.sync.connect(peer.url()).close()
"""


def entry_points() -> dict[str, str]:
    """What pyproject.toml registers for pytest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: dict[str, str] = project["entry-points"]["pytest11"]
    return found


def register(folder: Path) -> None:
    """Make a folder whose packages are registered as ours are where amqpconn is installed."""
    made = folder / "registered-0.dist-info"
    made.mkdir(parents=True)
    lines = [f"{name} = {module}" for name, module in entry_points().items()]
    (made / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]))
    (made / "METADATA").write_text(ANY_METADATA)


def run(folder: Path, test: str, *arguments: str, **environment: str) -> str:
    """What another project's pytest prints about a file of tests."""
    (folder / "test_theirs.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    paths = [str(folder / "site"), str(ROOT), str(ROOT / "generated")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, "test_theirs.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def example_for_pytest() -> str:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if "def test_" in block]
    return str(found)


def test_example_of_the_page_runs_where_the_plugin_is_registered(tmp_path: Path) -> None:
    """Even when it is named once more on the command line."""
    register(tmp_path / "site")
    others = {point.name for point in metadata.entry_points(group="pytest11")} - {PLUGIN}
    without = [argument for name in others for argument in ("-p", f"no:{name}")]  # takes seconds
    output = run(tmp_path, example_for_pytest(), "-p", PLUGIN, *without)
    assert "5 passed" in output, output


def test_what_was_given_to_a_peer_and_raised_fails_the_test(tmp_path: Path) -> None:
    output = run(tmp_path, FAILING, "-p", PLUGIN, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert "1 passed, 1 error" in output, output
    assert "LookupError: of an action" in output


def test_registered_module_is_there_under_its_own_name() -> None:
    assert entry_points() == {PLUGIN: PLUGIN}


def test_page_has_an_example_of_each_kind_and_names_all_that_is_public() -> None:
    for needed in ("async with Peer(", "with Peer(", "(amqp_peer)", "(amqp_peers"):
        assert needed in PAGE
    for name in set(amqpconn.testing.__all__) - {"Behaviour", "Received"}:
        assert re.search(rf"\b{name}\b", PAGE), name
