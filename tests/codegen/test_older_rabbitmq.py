"""What is generated for AMQP 0-9 and 0-8 stands alone, and RabbitMQ's own code agrees with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from codegen.model import Protocol, ResolvedMethod
from tests.codegen import payloads
from tests.codegen.older import SPEC, VERSIONS, methods, protocols, scratch_spec
from tests.codegen.published import give_up

# RabbitMQ's modules for the versions, which Debian's package installs.
MODULES = {"v0_8": "rabbit_framing_amqp_0_8", "v0_9": "rabbit_framing_amqp_0_9_1"}
FOLDERS = "usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/rabbit_common-*/ebin"
ASK = Path(__file__).with_name("rabbitmq.escript")
MISSING = "RabbitMQ is not there to be asked: apt-get install rabbitmq-server"

# Methods that RabbitMQ exchanges with its plugin for AMQP 1.0 and with no client.
NOT_FOR_CLIENTS = {"basic.credit", "basic.credit-ok", "basic.credit-drained"}

each_version = pytest.mark.parametrize("package", VERSIONS)

# What 0-9-1 has, with RabbitMQ's overlay, and 0-8 does not, or in another way.
NOT_IN_0_8 = {
    "basic.nack",
    "confirm.select",
    "confirm.select-ok",
    "connection.blocked",
    "connection.unblocked",
    "connection.update-secret",
    "connection.update-secret-ok",
    "exchange.bind",
    "exchange.bind-ok",
    "exchange.unbind",
    "exchange.unbind-ok",
}
OTHER_IN_0_8 = {
    "basic.ack",  # no confirms, so servers send none
    "basic.consume",  # no arguments
    "channel.open-ok",  # no field at all
    "connection.close",
    "connection.close-ok",  # other numbers
}


@pytest.fixture(scope="module")
def source_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of generated/ in which amqpconn_spec has the older versions and no other."""
    output = tmp_path_factory.mktemp("generated") / "out"
    ignored = shutil.ignore_patterns("v0_9_1", "__pycache__")
    shutil.copytree(SPEC.parent / "generated", output, ignore=ignored)
    return output


@cache
def resolved() -> dict[str, Protocol]:
    with TemporaryDirectory() as folder:
        return {**protocols(scratch_spec(Path(folder) / "spec")), **protocols(SPEC)}


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write_payloads(package: str, source_root: Path) -> str:
    program = Path(payloads.__file__).read_text(encoding="utf-8")
    return run(sys.executable, "-c", program, package, folder=source_root)


@each_version
def test_a_package_stands_alone_and_all_that_it_writes_it_reads(
    package: str, source_root: Path
) -> None:
    contents = sum(found.properties is not None for found in resolved()[package].classes)
    written = write_payloads(package, source_root).splitlines()
    assert len(written) == len(methods(resolved()[package])) + contents


# --- RabbitMQ's code ---


@dataclass(frozen=True)
class Answers:
    """What RabbitMQ says of its methods (number, waits for an answer, content) and constants.

    `agreed` has those whose octets it reads and writes as we do.
    """

    methods: dict[str, tuple[int, bool, bool]]
    agreed: set[str]
    constants: dict[int, str]


@cache
def ask(package: str, source_root: Path) -> Answers:
    folders = sorted(Path("/").glob(FOLDERS))
    if not folders or not shutil.which("escript"):
        give_up(MISSING)
    terms = source_root / f"{package}.terms"
    terms.write_text(write_payloads(package, source_root), encoding="utf-8")
    answers = Answers({}, set(), {})
    for line in run(
        "escript", ASK, folders[-1], MODULES[package], terms, folder=source_root
    ).splitlines():
        words = line.replace("_", "-").split()
        if len(words) == 2:
            answers.constants[int(words[0])] = words[1]
            continue
        index, name = int(words[0]) << 16 | int(words[1]), words[2]
        answers.methods[name] = index, words[3] == "true", words[4] == "true"
        if words[5] == "true":
            answers.agreed.add(name)
    return answers


@each_version
def test_rabbitmq_knows_these_methods_and_reads_and_writes_them_alike(
    package: str, source_root: Path
) -> None:
    theirs = ask(package, source_root)
    ours = {
        name: (method.index, waits(method), method.has_content)
        for name, method in methods(resolved()[package]).items()
        if name not in unknown_to_rabbitmq(package)
    }
    known = theirs.methods.keys() - NOT_FOR_CLIENTS - {"basic.properties"}
    assert {name: theirs.methods[name] for name in known} == ours
    assert theirs.agreed == {*ours, "basic.properties"}


def waits(method: ResolvedMethod) -> bool:
    """Whether an answer comes. For RabbitMQ none comes to an answer, such as stage to open-ok."""
    return bool(method.replies) and not method.name.endswith("-ok")


def unknown_to_rabbitmq(package: str) -> set[str]:
    """What 0-9 has and 0-9-1 dropped: RabbitMQ has no code of its own for 0-9."""
    if package == "v0_8":
        return set()
    dropped = {"dtx", "file", "message", "stream", "tunnel"}
    return {name for name in methods(resolved()[package]) if name.split(".")[0] in dropped} | {
        "connection.redirect",
        "channel.resume",
        "channel.ping",
        "channel.pong",
        "channel.ok",
    }


@each_version
def test_rabbitmq_has_no_constant_that_we_lack(package: str, source_root: Path) -> None:
    ours = {constant.value: constant.name for constant in resolved()[package].constants}
    assert ask(package, source_root).constants.items() <= ours.items()


# --- One client for all versions ---


def test_bytes_of_0_9_are_those_of_0_9_1_as_rabbitmq_takes_them_for_the_same() -> None:
    older, newer = methods(resolved()["v0_9"]), methods(resolved()["v0_9_1"])
    assert newer.keys() - older.keys() == set()
    assert {name for name in newer if on_the_wire(older[name]) != on_the_wire(newer[name])} == set()


def test_bytes_of_0_8_differ_from_those_of_0_9_1_in_a_few_places() -> None:
    older, newer = methods(resolved()["v0_8"]), methods(resolved()["v0_9_1"])
    assert newer.keys() - older.keys() == NOT_IN_0_8
    both = newer.keys() & older.keys()
    assert {n for n in both if on_the_wire(older[n]) != on_the_wire(newer[n])} == OTHER_IN_0_8


@each_version
def test_answers_are_the_same_but_for_a_redirect(package: str) -> None:
    older, newer = methods(resolved()[package]), methods(resolved()["v0_9_1"])
    both = newer.keys() & older.keys()
    others = {
        name: older[name].replies for name in both if older[name].replies != newer[name].replies
    }
    assert others == {"connection.open": ("open-ok", "redirect")}


def on_the_wire(method: ResolvedMethod) -> tuple[object, ...]:
    """Number, types in order, content and directions."""
    types = [field.type for field in method.fields]
    return method.index, types, method.has_content, method.sent_by_client, method.sent_by_server
