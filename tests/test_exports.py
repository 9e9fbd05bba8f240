"""What `import amqpconn` gives: all public names, and nothing that costs time."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import amqpconn

ROOT = Path(__file__).parents[1]
# What takes milliseconds to import, and what only a driver needs.
EXPENSIVE = """
    asyncio dataclasses enum inspect logging re selectors socket ssl subprocess threading typing
    amqpconn_spec amqpconn.errors amqpconn.core amqpconn.asyncio amqpconn.sync
""".split()
# The names that both drivers share, and that users need whichever they take.
PROMISED = """
    plain_auth amqplain_auth external_auth anonymous_auth AuthMethod Prefer Select Content
    EndpointState parse_url Observer LoggingObserver FrameRecord Transcript
    AMQPError ChannelClosed ConnectionFailed NotOpen
    fetched_auth Credentials Secret forget_servers
""".split()


def run(code: str) -> str:
    """Run code in a fresh interpreter."""
    paths = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'generated')!r}]\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", paths + code], capture_output=True, text=True, check=True
    )
    return done.stdout


def type_checked() -> dict[str, str]:
    """The names that type checkers see, and where they come from."""
    found = {}
    for node in ast.walk(ast.parse(Path(amqpconn.__file__).read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("amqpconn."):
            for alias in node.names:
                assert alias.asname == alias.name, "only `import x as x` exports for mypy"
                found[alias.name] = node.module or ""
    return found


def test_all_that_is_promised_is_public() -> None:
    assert set(amqpconn.__all__) == set(PROMISED)


def test_no_name_is_listed_twice() -> None:
    assert len(amqpconn.__all__) == len(set(amqpconn.__all__))


def test_type_checkers_see_the_same_names_in_the_same_places() -> None:
    seen = type_checked()
    assert set(seen) == {*amqpconn.__all__, "__version__"}
    for name, module in seen.items():
        assert getattr(importlib.import_module(module), name) is getattr(amqpconn, name)


@pytest.mark.parametrize("name", [*amqpconn.__all__, "__version__"])
def test_every_name_resolves(name: str) -> None:
    assert name in dir(amqpconn)
    assert getattr(amqpconn, name) is getattr(amqpconn, name)


def test_names_are_where_their_objects_say() -> None:
    for name in amqpconn.__all__:
        value = getattr(amqpconn, name)
        assert getattr(sys.modules[value.__module__], name) is value
        assert value.__module__.startswith("amqpconn.")


def test_import_star() -> None:
    code = "before = set(globals()); from amqpconn import *; print(*set(globals()) - before)"
    assert set(run(code).split()) == {*amqpconn.__all__, "before"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'amqpconn' has no attribute 'connect'"):
        _ = amqpconn.connect
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        exec("from amqpconn import nonsense", {})  # noqa: S102
    assert not hasattr(amqpconn, "_private")


def test_dir_is_sorted_and_complete() -> None:
    names = dir(amqpconn)
    assert names == sorted(names)
    assert {"__doc__", "__name__", "__version__", *amqpconn.__all__} <= set(names)


def test_import_costs_nothing() -> None:
    code = "before = set(sys.modules); import amqpconn; print(*sorted(set(sys.modules) - before))"
    new = run(code).split()
    assert "amqpconn" in new
    for name in EXPENSIVE:
        assert not [module for module in new if f"{module}.".startswith(f"{name}.")], new


@pytest.mark.parametrize("name", amqpconn.__all__)
def test_no_name_brings_a_driver_along(name: str) -> None:
    code = f"import amqpconn; amqpconn.{name}; print(*sys.modules)"
    modules = set(run(code).split())
    assert not modules & {"asyncio", "socket", "ssl", "threading", "selectors", "amqpconn.sync"}


# What an ordinary connection never needs, or only once there is one.
RARE = """
    amqpconn.core.channels amqpconn.core.assembler amqpconn.core.outgoing
    amqpconn.core.reasons amqpconn.core.sniff amqpconn.core.detour amqpconn.core.watch
    amqpconn.errors._codes amqpconn.errors._closing amqpconn.errors._ends amqpconn.errors._peers
    amqpconn.errors._tls amqpconn.errors._handshake amqpconn.errors._stream amqpconn._failures
    amqpconn._aside amqpconn._plan amqpconn.uri amqpconn.credentials amqpconn.auth amqpconn.secret
    amqpconn.mechanisms amqpconn.locale amqpconn.core.handshake amqpconn.core.renewal
    amqpconn.core.heartbeat amqpconn.core.negotiation amqpconn.testing
    amqpconn.sync._asking amqpconn.sync._bridge amqpconn.sync._offer
    amqpconn.asyncio._asking amqpconn.asyncio._rest amqpconn.asyncio._stream
    amqpconn.asyncio._clock amqpconn.asyncio._dial
    amqpconn_spec amqpconn_spec._base amqpconn_spec._wire amqpconn_spec.v0_9_1
""".split()


@pytest.mark.parametrize("driver", ["asyncio", "sync"])
def test_a_driver_loads_nothing_that_is_rarely_needed(driver: str) -> None:
    modules = set(run(f"import amqpconn.{driver}; print(*sys.modules)").split())
    assert not modules & set(RARE)
    if driver == "sync":
        assert not modules & {"ssl", "typing", "re", "inspect", "logging", "datetime", "asyncio"}
        assert "importlib" not in modules


def test_what_is_rarely_needed_is_there_when_it_is_asked_for() -> None:
    code = """
from amqpconn import errors
assert "NotFound" not in vars(errors)
from amqpconn.errors import NotFound
assert errors.TLSFailed.__module__ == NotFound.__module__ == "amqpconn.errors"
assert {"NotFound", "ChannelClosed", "PeerHungUp"} <= set(dir(errors))
from amqpconn import transport
assert transport.failed.__name__ == "failed"
for module, name in ((errors, "Nonsense"), (errors, "_nonsense"), (transport, "nonsense")):
    assert not hasattr(module, name)
print("done")
"""
    assert run(code) == "done\n"


def test_a_name_is_looked_up_once() -> None:
    code = """
import amqpconn
assert "plain_auth" not in vars(amqpconn)
amqpconn.plain_auth
assert "plain_auth" in vars(amqpconn)
print(amqpconn.__version__)
"""
    assert run(code) == f"{amqpconn.__version__}\n"
