"""The overlays on AMQP 0-9 and 0-8: every operation is needed, and only secrets are marked."""

from __future__ import annotations

import dataclasses
import tomllib
from copy import deepcopy
from pathlib import Path

import pytest
from lxml import etree

from codegen.diagnostics import SpecError
from codegen.model import Protocol
from tests.codegen.older import SPEC, VERSIONS, methods, protocols, scratch_spec
from tests.codegen.published import one, parse

# Attributes of parts of a protocol that tell where it was written, and those that are words.
PLACES = frozenset({"origin", "sources", "files"})
WORDS = frozenset({"label", "doc"})


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Protocol]:
    """The older versions with all their overlays."""
    return protocols(scratch_spec(tmp_path_factory.mktemp("complete") / "spec"))


def plain(value: object, left_out: frozenset[str]) -> object:
    """A protocol, or a part of it, as lists and dicts without some attributes, for comparison."""
    if isinstance(value, Protocol):
        return plain(dataclasses.asdict(value), left_out)
    if isinstance(value, dict):
        return {key: plain(part, left_out) for key, part in value.items() if key not in left_out}
    return [plain(part, left_out) for part in value] if isinstance(value, tuple) else value


def test_the_manifest_names_these_overlays_in_this_order() -> None:
    manifest = tomllib.loads((SPEC / "versions.toml").read_text(encoding="utf-8"))
    assert {package: manifest.get(package) for package in VERSIONS} == VERSIONS


# --- Each operation is needed ---

OPERATIONS = [
    (package, overlay, number)
    for package, table in VERSIONS.items()
    for overlay in table["overlays"]
    for number in range(len(parse(SPEC / overlay).findall("*")))
]

# Targets of operations without which nothing is generated, and the rule that is broken then.
FATAL = {
    "class/message/method/transfer/field/body": "unknown-domain",
    "class/basic/method/recover": "overlay-exists",
}


@pytest.mark.parametrize(("package", "overlay", "number"), OPERATIONS)
def test_each_operation_matters(
    tmp_path: Path, complete: dict[str, Protocol], package: str, overlay: str, number: int
) -> None:
    """Without it the protocol is another one, and not only in words, or there is none."""
    spec = scratch_spec(tmp_path / "spec", {package: VERSIONS[package]})
    tree = etree.parse(spec / overlay)
    root = tree.getroot()
    operation = root.findall("*")[number]
    root.remove(operation)
    tree.write(spec / overlay)
    rule = FATAL.get(str(operation.get("target")))
    if rule:
        with pytest.raises(SpecError) as refused:
            protocols(spec)
        assert {found.rule for found in refused.value.diagnostics} == {rule}
        return
    without = protocols(spec)[package]
    assert plain(without, PLACES | WORDS) != plain(complete[package], PLACES | WORDS)


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(("package", "overlay", "number"), OPERATIONS)
def test_each_operation_matches_once(
    tmp_path: Path, package: str, overlay: str, number: int, twice: bool
) -> None:
    """With two elements like its target, or with none, it is refused."""
    spec = scratch_spec(tmp_path / "spec", {package: VERSIONS[package]})
    operation = parse(SPEC / overlay).findall("*")[number]
    path = str(operation.get("target") or operation.get("to"))
    if path == "/":
        path = str(operation.get("after"))
    base = etree.parse(spec / VERSIONS[package]["base"])
    target = one(base.getroot(), path)
    if twice:
        target.addnext(deepcopy(target))
    else:
        target.set("name", "another")
    base.write(spec / VERSIONS[package]["base"])
    with pytest.raises(SpecError) as refused:
        protocols(spec)
    number_of = f"{path!r} matches {2 if twice else 'no'} elements"
    assert [
        found
        for found in refused.value.diagnostics
        if found.origin.file == str(spec / overlay) and number_of in found.message
    ]


def test_without_its_correction_message_transfer_cannot_be_generated(tmp_path: Path) -> None:
    table = VERSIONS["v0_9"]
    overlays = [name for name in table["overlays"] if name != "corrections-0-9.overlay.xml"]
    spec = scratch_spec(tmp_path / "spec", {"v0_9": {**table, "overlays": overlays}})
    with pytest.raises(SpecError) as refused:
        protocols(spec)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.rule == "unknown-domain"
    lines = (SPEC / "amqp0-9.xml").read_text(encoding="utf-8").splitlines()
    assert 'name="body"' in lines[diagnostic.origin.line - 1]


# --- Secrets ---


def secrets(protocol: Protocol) -> list[str]:
    return [
        f"{name}/{field.name}"
        for name, method in methods(protocol).items()
        for field in method.fields
        if field.secret
    ]


LOGIN = ["connection.start-ok/response", "connection.secure-ok/response"]
RENEWAL = ["connection.update-secret/new-secret"]


def test_all_secrets_are_marked(complete: dict[str, Protocol]) -> None:
    assert secrets(complete["v0_8"]) == LOGIN
    assert secrets(complete["v0_9"]) == [*LOGIN, *RENEWAL, "message.transfer/security-token"]


@pytest.mark.parametrize(("package", "marked"), [("v0_8", []), ("v0_9", RENEWAL)])
def test_marking_secrets_changes_nothing_else(
    tmp_path: Path, complete: dict[str, Protocol], package: str, marked: list[str]
) -> None:
    table = VERSIONS[package]
    overlays = [name for name in table["overlays"] if not name.startswith("secrets")]
    spec = scratch_spec(tmp_path / "spec", {package: {**table, "overlays": overlays}})
    without = protocols(spec)[package]
    assert secrets(without) == marked
    left_out = PLACES | {"secret"}
    assert plain(without, left_out) == plain(complete[package], left_out)
