"""The core does no I/O and asks no clock: it runs where neither can be imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import amqpconn.core

ROOT = Path(__file__).parents[2]
CORE = Path(amqpconn.core.__file__).parent
MODULES = [f"amqpconn.core.{path.stem}" for path in sorted(CORE.glob("*.py"))]
# What the core is made of besides its own package.
BESIDE = [
    "amqpconn.errors",
    "amqpconn.config",
    "amqpconn.auth",
    "amqpconn.locale",
    "amqpconn.observer",
]
POISON = """
    _socket _ssl asyncio logging multiprocessing queue random select selectors signal
    socket socketserver ssl subprocess threading time concurrent concurrent.futures contextvars
""".split()

RUN = """
from amqpconn.auth import plain_auth
from amqpconn.config import Settings
from amqpconn.core.endpoint import EndpointCore
from amqpconn.core.events import HangUp
from amqpconn.core.handshake import OpenRequest
from amqpconn.locale import Prefer
from amqpconn_spec.v0_9_1 import channel, connection, queue

core = EndpointCore(Settings(timeout=5.0))
core.connecting(OpenRequest([plain_auth("guest", "guest")], Prefer("en_US"), "/"), 0.0)
core.enter("connect", 0.0)
core.connected(1.0)

def feed(method, on=0):
    core.receive_data(method.encode_frame(on), 2.0)
    return core.data_to_send(2.0)

assert feed(connection.Start(0, 9, {"capabilities": {}}, b"PLAIN", b"en_US"))
assert feed(connection.Tune(2047, 131072, 60))
feed(connection.OpenOk())
assert core.manager.is_open
opening = core.open_channel(2.0, 1.0)
feed(channel.OpenOk(), 1)
call = core.call(queue.Declare("q"), opening.channel, None, 2.0, 1.0)
feed(queue.DeclareOk("q"), 1)
assert call.reply == queue.DeclareOk("q")
core.handle_timer(core.next_deadline())
assert core.data_to_send(40.0)
core.close(50.0)
feed(connection.CloseOk())
events = []
while (event := core.next_event()) is not None:
    events.append(event)
assert isinstance(events[-1], HangUp)
core.disconnected()
assert core.state.value == "disconnected"
print("done")
"""


def run(code: str) -> str:
    """Run code in a fresh interpreter that has nothing but the standard library and us."""
    paths = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'generated')!r}]\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", paths + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def poisoned(names: list[str]) -> str:
    """Make imports of these modules fail, also of those that the interpreter has loaded itself."""
    return f"for name in {names!r}: sys.modules[name] = None\n"


def test_a_whole_conversation_without_sockets_threads_or_a_clock() -> None:
    imports = "".join(f"import {name}\n" for name in [*MODULES, *BESIDE])
    assert run(poisoned(POISON) + imports + RUN) == "done\n"


def test_the_poison_works() -> None:
    with pytest.raises(AssertionError, match=r"ModuleNotFoundError.*time"):
        run(poisoned(POISON) + "import time")


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.stem)
def test_no_module_names_what_is_not_its_business(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        for name in names:
            assert name.split(".")[0] not in POISON
            assert not name.startswith(("amqpconn.asyncio", "amqpconn.sync", "amqpconn.testing"))
            assert name not in ("amqpconn.transport", "amqpconn._facade")


def test_the_generated_package_knows_nothing_of_this_one() -> None:
    for path in (ROOT / "generated").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert all(not alias.name.startswith("amqpconn.") for alias in node.names), path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] != "amqpconn", path
