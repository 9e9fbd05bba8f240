"""The tables of a version: methods, properties, constants, reply codes; and what import loads."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import get_args

import pytest

import amqpconn_spec
from amqpconn_spec import v0_9_1
from amqpconn_spec._base import Method
from amqpconn_spec._wire import DecodeError
from amqpconn_spec.v0_9_1 import (
    basic,
    confirm,
    connection,
    constants,
    decoding,
    errors,
    frames,
    registry,
    tx,
)
from tests.wire.facts import METHODS, SPECIFICATION, MethodFacts
from tests.wire.values import KINDS

GENERATED = Path(amqpconn_spec.__file__).parents[1]


# --- Methods ---


def test_all_methods_are_there_by_index_and_by_name() -> None:
    assert sorted(registry.METHODS) == [facts.class_id << 16 | facts.method_id for facts in METHODS]
    assert list(registry.BY_NAME) == [facts.full_name for facts in METHODS]
    for index, kind in registry.METHODS.items():
        assert index == kind.INDEX
        assert registry.BY_NAME[kind.NAME] is kind


def test_what_is_known_of_methods_without_their_classes_is_what_the_classes_say() -> None:
    names = {index: kind.NAME for index, kind in registry.METHODS.items()}
    assert list(decoding.NAMES.items()) == list(names.items())
    assert {kind.NAME for kind in KINDS if kind.SENT_BY_CLIENT} == decoding.SENT_BY_CLIENT
    assert {kind.NAME for kind in KINDS if kind.SENT_BY_SERVER} == decoding.SENT_BY_SERVER
    assert {kind.NAME for kind in KINDS if kind.IS_REPLY} == {
        reply.NAME for kind in KINDS for reply in kind.REPLIES
    }
    assert decoding.properties_class(60) is basic.Properties
    for class_id in (50, 51):  # one without content, and one that is not there
        with pytest.raises(KeyError):
            decoding.properties_class(class_id)


@pytest.mark.parametrize("facts", METHODS, ids=lambda facts: facts.full_name)
def test_a_payload_finds_its_class(facts: MethodFacts) -> None:
    kind = registry.BY_NAME[facts.full_name]
    assert type(registry.decode_method(kind().encode())) is kind


def test_a_number_that_is_no_method_is_refused_with_its_parts() -> None:
    for index in (0, 0x000A000C, 0x000A0000, 0xFFFFFFFF, 0x003D000A):
        with pytest.raises(DecodeError) as caught:
            registry.decode_method(b"xx" + index.to_bytes(4) + bytes(20), 2)
        assert str(caught.value) == (
            f"method: class {index >> 16} has no method {index & 0xFFFF}, at offset 0"
        )


@pytest.mark.parametrize("octets", [b"", b"\0", b"\0\x0a\0"])
def test_a_payload_without_a_number_is_refused(octets: bytes) -> None:
    more = b"\xce" * 100  # the end of the frame, and what may follow
    for buffer, end in ((octets, None), (octets, 100), (octets + more, len(octets))):
        with pytest.raises(DecodeError, match=r"^method: the bytes end too early, at offset 0$"):
            registry.decode_method(buffer, 0, end)


@pytest.mark.parametrize("size", range(12))
def test_a_header_that_is_not_all_there_is_refused(size: int) -> None:
    octets = (b"\x00\x3c" + bytes(10))[:size]
    for buffer, end in ((octets, None), (octets, 100), (octets + b"\xce" * 100, size)):
        with pytest.raises(DecodeError, match="the bytes end too early, at offset"):
            registry.decode_header(buffer, 0, end)


def test_the_unions_hold_all_methods_by_who_sends_them() -> None:
    clients = [kind for kind in KINDS if kind.SENT_BY_CLIENT]
    servers = [kind for kind in KINDS if kind.SENT_BY_SERVER]
    assert list(get_args(registry.ClientMethod)) == clients
    assert list(get_args(registry.ServerMethod)) == servers
    assert isinstance(registry.ClientMethod, types.UnionType)
    assert set(clients) | set(servers) == set(KINDS)
    both = {kind.NAME for kind in set(clients) & set(servers)}
    assert both == {
        "basic.ack",
        "basic.cancel",
        "basic.cancel-ok",
        "basic.nack",
        "channel.close",
        "channel.close-ok",
        "channel.flow",
        "channel.flow-ok",
        "connection.close",
        "connection.close-ok",
    }
    assert isinstance(basic.Publish(), registry.ClientMethod)
    assert not isinstance(basic.Publish(), registry.ServerMethod)


def test_every_method_that_is_answered_is_synchronous_and_answered_by_the_other_side() -> None:
    for kind in KINDS:
        for reply in kind.REPLIES:
            assert kind.SYNCHRONOUS
            assert kind.SENT_BY_CLIENT <= reply.SENT_BY_SERVER
            assert kind.SENT_BY_SERVER <= reply.SENT_BY_CLIENT


def test_methods_with_content_are_those_of_basic_with_properties() -> None:
    with_content = {kind.NAME for kind in KINDS if kind.HAS_CONTENT}
    assert with_content == {"basic.publish", "basic.return", "basic.deliver", "basic.get-ok"}
    assert {60: basic.Properties} == registry.PROPERTIES


# --- Constants and reply codes ---


def test_all_constants_are_there_and_nothing_else() -> None:
    expected = {
        str(each.get("name")).replace("-", "_").upper(): int(str(each.get("value")))
        for each in SPECIFICATION.findall("constant")
    }
    version = {"PORT": 5672, "MAJOR": 0, "MINOR": 9, "REVISION": 1}
    found = {name: value for name, value in vars(constants).items() if name.isupper()}
    del found["TYPE_CHECKING"]
    assert found == {**expected, **version}
    assert (constants.FRAME_END, constants.FRAME_MIN_SIZE, constants.NO_ROUTE) == (206, 4096, 312)


def test_the_table_of_reply_codes_is_complete() -> None:
    expected = [
        (int(str(each.get("value"))), str(each.get("name")), each.get("class") == "hard-error")
        for each in SPECIFICATION.findall("constant")
        if each.get("class")
    ]
    assert [(code.code, code.name, code.hard) for code in errors.REPLY_CODES.values()] == expected
    assert list(errors.REPLY_CODES) == [code for code, _, _ in expected]
    assert len(expected) == 18
    assert errors.REPLY_CODES[404] == errors.ReplyCode(404, "not-found", hard=False)
    assert constants.REPLY_SUCCESS not in errors.REPLY_CODES


def test_a_reply_code_can_be_compared_hashed_and_taken_apart() -> None:
    refused = errors.REPLY_CODES[403]
    same = errors.ReplyCode(403, "access-refused", hard=False)
    assert refused == same
    assert hash(refused) == hash(same)
    assert refused != errors.REPLY_CODES[404]
    assert refused != 403
    assert repr(refused) == "ReplyCode(code=403, name='access-refused', hard=False)"
    match refused:
        case errors.ReplyCode(code, name, hard):
            assert (code, name, hard) == (403, "access-refused", False)


# --- The package ---


def test_the_package_of_a_version_has_a_module_for_each_class_and_five_more() -> None:
    classes = {facts.class_name for facts in METHODS}
    modules = classes | {"constants", "decoding", "errors", "frames", "registry"}
    assert set(v0_9_1.__all__) == modules | {"PROTOCOL_VERSION"}
    assert set(v0_9_1.__all__) < set(dir(v0_9_1))
    assert sorted(set(dir(v0_9_1))) == dir(v0_9_1)
    for name in modules:
        assert getattr(v0_9_1, name).__name__ == f"{v0_9_1.__name__}.{name}"
    with pytest.raises(AttributeError, match=r"'amqpconn_spec\.v0_9_1' has no attribute 'access'"):
        _ = v0_9_1.access
    assert v0_9_1.PROTOCOL_VERSION == "0-9-1"
    for module in (basic, confirm, connection, tx):
        for name in module.__all__:
            assert getattr(module, name).__module__ == module.__name__
    assert set(confirm.__all__) == {"Select", "SelectOk"}
    assert (GENERATED / "amqpconn_spec" / "py.typed").read_bytes() == b""


def test_for_run_time_a_method_is_not_generic() -> None:
    """Only type checkers see `Method[queue.DeclareOk]`, so no class pays for it."""
    assert Method[int] is Method
    assert connection.TuneOk.__mro__[1] is Method
    assert not hasattr(Method, "__orig_bases__")


EXPENSIVE = {
    "abc", "ast", "asyncio", "collections", "contextlib", "copy", "dataclasses", "datetime",
    "decimal", "enum", "functools", "importlib", "inspect", "io", "logging", "numbers", "operator",
    "re", "reprlib", "socket", "ssl", "string", "textwrap", "threading", "types", "typing",
    "warnings", "weakref",
}  # fmt: skip


def loaded(program: str) -> list[str]:
    """What a program loads, beside what Python loads by itself when started with little."""
    before = f"import sys; before = set(sys.modules); sys.path.insert(0, {str(GENERATED)!r})\n"
    after = "\nprint(*sorted(set(sys.modules) - before))"
    command = [sys.executable, "-I", "-S", "-c", before + program + after]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_importing_it_loads_nothing_that_takes_its_time() -> None:
    modules = loaded("import amqpconn_spec.v0_9_1.basic, amqpconn_spec.v0_9_1.frames")
    foreign = [name for name in modules if not name.startswith("amqpconn")]
    assert foreign == ["__future__", "_struct", "struct"]
    assert not EXPENSIVE & set(modules)
    assert "amqpconn_spec.v0_9_1.basic" in modules
    assert "amqpconn" not in modules


def test_a_class_is_loaded_when_something_of_it_comes() -> None:
    def classes(program: str) -> set[str]:
        modules = {name.rpartition(".")[2] for name in loaded(program)}
        return modules & {"basic", "channel", "confirm", "connection", "exchange", "queue", "tx"}

    package = "from amqpconn_spec.v0_9_1 import"
    assert not classes("import amqpconn_spec.v0_9_1")
    assert classes(f"{package} queue") == {"queue"}
    assert not classes(f"{package} decoding, frames")
    ack = frames.MethodFrame(1, basic.Ack(3)).encode()
    assert classes(f"{package} frames\nframes.decode_frame({ack!r})") == {"basic"}
    header = frames.HeaderFrame(1, 60, 0, basic.Properties()).encode()
    assert classes(f"{package} frames\nframes.decode_frame({header!r})") == {"basic"}
    assert classes(f"{package} decoding\ndecoding.properties_class(60)") == {"basic"}
    assert len(classes(f"{package} registry")) == 7
