"""spec/ states the facts of the published files, and only in words that its schemas know."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from lxml import etree

from tests.codegen.published import (
    MISSING,
    WEIGHTY,
    Change,
    Fact,
    drop,
    errors,
    facts,
    first_difference,
    label_problems,
    one,
    parent,
    parse,
    published,
    put,
    remove,
    swap,
)

SPEC = Path(__file__).parents[2] / "spec"
BASE = SPEC / "amqp0-9-1.xml"
RABBITMQ = SPEC / "rabbitmq.overlay.xml"
SECRETS = SPEC / "secrets.overlay.xml"
AMQP_SCHEMA = SPEC / "amqp.rng"
OVERLAY_SCHEMA = SPEC / "overlay.rng"
OURS = [(BASE, AMQP_SCHEMA), (RABBITMQ, OVERLAY_SCHEMA), (SECRETS, OVERLAY_SCHEMA)]

STANDARD = "0-9-1/amqp0-9-1.stripped.xml"
EXTENDED = "0-9-1-rabbit/amqp0-9-1.stripped.extended.xml"
SAME_VOCABULARY = [
    "0-8/amqp0-8.stripped.xml",
    "0-8-qpid/amqp0-8-qpid.stripped.xml",
    "0-9/amqp0-9.stripped.xml",
    "0-9-qpid/amqp0-9-qpid.stripped.xml",
    STANDARD,
    "0-9-1-qpid/amqp0-9-1.stripped.xml",
    EXTENDED,
]
OTHER_VOCABULARY = [
    "0-10/amqp.0-10.stripped.xml",
    "0-10-qpid/amqp.0-10-qpid-errata.stripped.xml",
    "1-0/index.bare.xml",
    "1-0/transport.bare.xml",
]

# Where our overlay and RabbitMQ's published file part; the overlay gives the reasons. The methods
# of connection are younger than the file in amqp-specs.
ON_PURPOSE = (
    "constant/no-route",
    "class/connection/method/blocked",
    "class/connection/method/unblocked",
    "class/connection/method/update-secret",
    "class/connection/method/update-secret-ok",
    "class/basic/method/recover",
    "class/confirm/method/select/field",
)

# --- Facts ---


def test_our_facts_are_the_published_ones() -> None:
    difference = first_difference(facts(parse(BASE)), facts(parse(published(STANDARD))))
    assert difference is None, difference


def test_with_the_overlay_they_are_those_of_rabbitmq_but_for_known_exceptions() -> None:
    ours, theirs = facts(overlaid(RABBITMQ)), facts(parse(published(EXTENDED)))
    difference = first_difference(without(ON_PURPOSE, ours), without(ON_PURPOSE, theirs))
    assert difference is None, difference


@pytest.mark.parametrize("exception", ON_PURPOSE)
def test_each_exception_is_still_needed(exception: str) -> None:
    others = tuple(path for path in ON_PURPOSE if path != exception)
    ours, theirs = facts(overlaid(RABBITMQ)), facts(parse(published(EXTENDED)))
    assert first_difference(without(others, ours), without(others, theirs)) is not None


def test_marking_secrets_changes_nothing_else() -> None:
    plain, marked = overlaid(RABBITMQ), overlaid(RABBITMQ, SECRETS)
    secrets = [fact.path for fact in facts(marked) if ("secret", "1") in fact.attributes]
    assert secrets == [
        "class/connection/method/start-ok/field/response",
        "class/connection/method/secure-ok/field/response",
        "class/connection/method/update-secret/field/new-secret",
    ]
    labels = [[field.get("label") for field in root.iter("field")] for root in (plain, marked)]
    assert labels[0] == labels[1]
    for element in [*plain.iter("field"), *marked.iter("field")]:
        element.attrib.pop("secret", None)
    difference = first_difference(facts(marked), facts(plain))
    assert difference is None, difference


def without(paths: tuple[str, ...], listed: list[Fact]) -> list[Fact]:
    below = tuple(f"{path}/" for path in paths)
    return [fact for fact in listed if not f"{fact.path}/".startswith(below)]


def overlaid(*overlays: Path) -> etree._Element:
    """Apply overlays to our file in the plainest way: a second opinion beside the generator's."""
    root = parse(BASE)
    for overlay in overlays:
        for operation in parse(overlay).iterchildren(etree.Element):
            apply(operation, root)
    return root


def apply(operation: etree._Element, root: etree._Element) -> None:
    target = one(root, str(operation.get("target") or operation.get("to")))
    if operation.tag != "add":
        parent(target).replace(target, operation[0])
        return
    after = operation.get("after")
    last = one(target, after) if after else target.findall(str(operation[0].tag))[-1]
    position = target.index(last) + 1
    target[position:position] = list(operation)


# --- The comparison itself ---


TUNE_OK = "class/connection/method/tune-ok"
GET = "class/basic/method/get"
CHANGES: dict[str, tuple[Change, str]] = {
    "two fields swapped": (
        swap("class/basic/method/ack/field/delivery-tag", "class/basic/method/ack/field/multiple"),
        "class/basic/method/ack/field/",
    ),
    "two methods swapped": (
        swap("class/tx/method/commit", "class/tx/method/rollback"),
        "class/tx/method/",
    ),
    "two responses swapped": (
        swap(f"{GET}/response/get-ok", f"{GET}/response/get-empty"),
        f"{GET}/response/",
    ),
    "other index": (put(TUNE_OK, "index", "32"), f'{TUNE_OK} index="32"'),
    "other version": (put("/", "minor", "8"), 'amqp major="0" minor="8"'),
    "other value": (put("constant/frame-end", "value", "205"), 'constant/frame-end value="205"'),
    "other error class": (
        put("constant/not-found", "class", "hard-error"),
        'constant/not-found class="hard-error"',
    ),
    "other type": (put("domain/message-count", "type", "short"), "domain/message-count"),
    "renamed property": (
        put("class/basic/field/reserved", "name", "cluster-id"),
        "class/basic/field/cluster-id",
    ),
    "response lost": (remove(GET, "response"), f"{GET}/response/get-ok"),
    "assert lost": (remove(TUNE_OK, "assert"), f"{TUNE_OK}/field/channel-max/assert/notnull"),
    "assert of a domain lost": (remove("domain/path", "assert"), "domain/path/assert/notnull"),
    "chassis lost": (remove("class/channel/method/flow", "chassis"), "flow/chassis/server"),
    "last method lost": (remove("class/tx/method/rollback-ok", "method"), "ours   ends"),
    "no longer synchronous": (drop(GET, "synchronous"), f"{GET} index"),
    "no longer deprecated": (
        drop("class/basic/method/recover-async", "deprecated"),
        "class/basic/method/recover-async",
    ),
    "an attribute too many": (put(TUNE_OK, "deprecated", "1"), f"{TUNE_OK} deprecated"),
}


@pytest.mark.parametrize(("change", "named"), CHANGES.values(), ids=CHANGES.keys())
def test_the_comparison_notices_and_names(change: Change, named: str) -> None:
    changed = parse(BASE)
    change(changed)
    difference = first_difference(facts(changed), facts(parse(BASE)))
    assert difference is not None
    assert named in difference


def test_the_comparison_overlooks_words_and_layout() -> None:
    reworded = parse(BASE)
    for element in list(reworded.iter("doc")):
        parent(element).remove(element)
    for element in reworded.iter(etree.Element):
        element.text = element.tail = None
        element.attrib.pop("label", None)
    reworded.insert(0, etree.Comment("in other words"))
    assert first_difference(facts(reworded), facts(parse(BASE))) is None


# --- Vocabulary and labels ---


@pytest.mark.parametrize(("file", "schema"), OURS)
def test_our_files_keep_to_their_schema(file: Path, schema: Path) -> None:
    assert errors(schema, parse(file)) == []


@pytest.mark.parametrize("name", SAME_VOCABULARY)
def test_published_files_keep_to_the_schema(name: str) -> None:
    assert errors(AMQP_SCHEMA, parse(published(name))) == []


@pytest.mark.parametrize("name", OTHER_VOCABULARY)
def test_other_specifications_do_not(name: str) -> None:
    assert errors(AMQP_SCHEMA, parse(published(name))) != []


NEEDED = [
    ("constant/frame-end", "name"),
    ("constant/frame-end", "value"),
    ("constant/not-found", "value"),
    ("domain/path", "type"),
    ("class/tx", "name"),
    ("class/tx", "index"),
    (GET, "name"),
    (GET, "index"),
    (f"{GET}/response/get-ok", "name"),
    (f"{GET}/chassis/server", "implement"),
    (f"{GET}/field/queue", "name"),
    (f"{GET}/field/queue", "domain"),
]


@pytest.mark.parametrize(("path", "attribute"), NEEDED)
def test_the_schema_misses_an_attribute_and_gives_the_line(path: str, attribute: str) -> None:
    root = parse(BASE)
    element = one(root, path)
    del element.attrib[attribute]
    assert {line for line, _ in errors(AMQP_SCHEMA, root)} == {element.sourceline}


UNKNOWN = {
    "attribute": put(GET, "synchronus", "1"),
    "not a number": put(GET, "index", "seventy"),
    "negative number": put("constant/frame-end", "value", "-1"),
    "not a flag": put(GET, "content", "yes"),
    "error class": put("constant/not-found", "class", "soft"),
    "side": put(f"{GET}/chassis/server", "name", "broker"),
    "empty name": put(GET, "name", " "),
    "check": lambda root: next(root.iter("assert")).set("check", "lenght"),
    "element": lambda root: etree.SubElement(one(root, GET), "fields"),
    "element in the wrong place": lambda root: etree.SubElement(one(root, "/"), "field", name="x"),
    "our own attribute, in the standard's file": put(f"{GET}/field/queue", "secret", "1"),
}


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_the_schema_refuses_what_it_does_not_know(change: Change) -> None:
    root = parse(BASE)
    change(root)
    assert errors(AMQP_SCHEMA, root) != []


MEANING = {
    "unknown domain": put(f"{GET}/field/queue", "domain", "no-such-domain"),
    "unknown response": put(f"{GET}/response/get-ok", "name", "no-such-method"),
    "no response": remove("class/tx/method/select", "response"),
    "no chassis": remove("class/tx/method/select", "chassis"),
    "index used twice": put(GET, "index", "71"),
    "number out of range": put(GET, "index", "70000"),
}


@pytest.mark.parametrize("change", MEANING.values(), ids=MEANING.keys())
def test_the_schema_leaves_meaning_to_the_generator(change: Change) -> None:
    root = parse(BASE)
    change(root)
    assert errors(AMQP_SCHEMA, root) == []


@pytest.mark.parametrize("reason", [None, "", "  \n "])
@pytest.mark.parametrize("operation", ["add", "replace", "remove"])
def test_an_overlay_must_give_its_reasons(operation: str, reason: str | None) -> None:
    part = "" if operation == "remove" else '<response name="y"/>'
    place = "to" if operation == "add" else "target"
    text = f'<{operation} {place}="class/a" reason="why">{part}</{operation}>'
    root = etree.fromstring(f'<overlay name="x">{text}</overlay>')
    assert errors(OVERLAY_SCHEMA, root) == []
    root[0].attrib.pop("reason") if reason is None else root[0].set("reason", reason)
    assert errors(OVERLAY_SCHEMA, root) != []


@pytest.mark.parametrize("file", [BASE, RABBITMQ, SECRETS], ids=lambda file: file.name)
def test_everything_of_weight_has_a_label_of_one_line(file: Path) -> None:
    assert next(parse(file).iter(*WEIGHTY), None) is not None
    assert label_problems(parse(file)) == []


# --- What belongs together ---


def test_the_manifest_names_all_specifications_and_overlays() -> None:
    manifest = tomllib.loads((SPEC / "versions.toml").read_text())
    named = {file for table in manifest.values() for file in [table["base"], *table["overlays"]]}
    assert named == {path.name for path in SPEC.glob("*.xml")}


def test_without_the_published_files_ci_fails_and_others_skip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere = tmp_path / "none"
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install amqp-specs"):
        published(STANDARD, nowhere)
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="apt-get install amqp-specs"):
        published(STANDARD, nowhere)
    assert "apt-get install amqp-specs" in MISSING
