"""spec/ states the facts of AMQP 0-9 and 0-8 as published, odd ones too, in words of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from tests.codegen.published import (
    WEIGHTY,
    Change,
    drop,
    errors,
    facts,
    first_difference,
    label_problems,
    parse,
    published,
    put,
    remove,
    swap,
)

SPEC = Path(__file__).parents[2] / "spec"
NEWEST = SPEC / "amqp0-9-1.xml"
BASES = {"0-9": SPEC / "amqp0-9.xml", "0-8": SPEC / "amqp0-8.xml"}
OVERLAYS = sorted(
    SPEC / f"{name}.overlay.xml"
    for name in ("corrections-0-9", "rabbitmq-0-8", "rabbitmq-0-9", "secrets-0-9")
)
STANDARD = "{0}/amqp{0}.stripped.xml"

each_version = pytest.mark.parametrize("version", BASES)


# --- Facts ---


@each_version
def test_our_facts_are_the_published_ones(version: str) -> None:
    theirs = facts(parse(published(STANDARD.format(version))))
    difference = first_difference(facts(parse(BASES[version])), theirs)
    assert difference is None, difference


def spelled(version: str, text: str) -> str:
    """Put in for each ~ what names have between their words, which is a space in 0-8 only."""
    return text.replace("~", " " if version == "0-8" else "-")


def common_changes(version: str) -> dict[str, tuple[Change, str]]:
    """Changes that make sense in both versions, and what the message about each must name."""

    def s(text: str) -> str:
        return spelled(version, text)

    ack, get = "class/basic/method/ack/field", "class/basic/method/get"
    limit = s("class/connection/method/tune-ok/field/channel~max")
    return {
        "two fields swapped": (
            swap(s(f"{ack}/delivery~tag"), f"{ack}/multiple"),
            f"{ack}/multiple",
        ),
        "two methods swapped": (
            swap("class/dtx/method/select", "class/dtx/method/start"),
            "class/dtx/method/",
        ),
        "two properties swapped": (
            swap("class/file/field/filename", "class/file/field/timestamp"),
            "class/file/field/timestamp",
        ),
        "two responses swapped": (
            swap(
                "class/connection/method/open/response/open-ok",
                "class/connection/method/open/response/redirect",
            ),
            "class/connection/method/open/response/redirect",
        ),
        "other index": (
            put("class/connection/method/redirect", "index", "51"),
            'class/connection/method/redirect index="51"',
        ),
        "a revision": (put("/", "revision", "0"), 'revision="0"'),
        "other value": (put(s("constant/frame~trace"), "value", "9"), s("constant/frame~trace")),
        "other error class": (
            put(s("constant/not~delivered"), "class", s("hard~error")),
            s('constant/not~delivered class="hard~error"'),
        ),
        "other type": (put(s("domain/known~hosts"), "type", "longstr"), s("domain/known~hosts")),
        "renamed property": (
            put(s("class/basic/field/cluster~id"), "name", "reserved"),
            "class/basic/field/reserved",
        ),
        "renamed field": (
            put(f"{get}/field/ticket", "name", "reserved-1"),
            f"{get}/field/reserved-1",
        ),
        "response lost": (remove(get, "response"), f"{get}/response/get-ok"),
        "assert lost": (remove(limit, "assert"), f"{limit}/assert/notnull"),
        "assert of a domain lost": (
            remove(s("domain/access~ticket"), "assert"),
            s("domain/access~ticket/assert/ne"),
        ),
        "syntax rule lost": (drop_rule, "domain/path/assert/syntax"),
        "chassis lost": (
            remove("class/file/method/stage", "chassis"),
            "class/file/method/stage/chassis/server",
        ),
        "class lost": (remove("/", "class"), "class/connection"),
        "last method lost": (remove_last_method, "ours   ends"),
        "no longer synchronous": (drop(get, "synchronous"), f"{get} index"),
        "no longer with content": (
            drop("class/tunnel/method/request", "content"),
            "class/tunnel/method/request",
        ),
        "deprecated": (put(get, "deprecated", "1"), f"{get} deprecated"),
    }


def drop_rule(root: etree._Element) -> None:
    for found in root.iter("assert"):
        found.attrib.pop("rule", None)


def remove_last_method(root: etree._Element) -> None:
    last = root.findall("class")[-1]
    last.remove(last.findall("method")[-1])


# What is odd in the published files stays so here; tidying it up is a change like any other.
TIDIED: dict[str, dict[str, tuple[Change, str]]] = {
    "0-9": {
        "a domain that exists": (
            put("class/message/method/transfer/field/body", "domain", "longstr"),
            "class/message/method/transfer/field/body",
        ),
        "no answer to an answer": (
            remove("class/channel/method/pong", "response"),
            "class/channel/method/pong/response/ok",
        ),
    },
    "0-8": {
        "version in order": (
            lambda root: root.attrib.update({"major": "0", "minor": "8"}),
            'amqp major="0" minor="8"',
        ),
        "hyphens": (put("domain/no ack", "name", "no-ack"), "domain/no-ack"),
        "the domain that is meant": (
            put("class/connection/method/close/field/method id", "domain", "method id"),
            "class/connection/method/close/field/method id",
        ),
        "a domain for a type": (
            put("class/test/method/content-ok/field/content checksum", "domain", "long"),
            "class/test/method/content-ok/field/content checksum",
        ),
        "value of an enumeration lost": (
            remove("class/test/method/integer/field/operation", "value"),
            "class/test/method/integer/field/operation/assert/enum/value/add",
        ),
    },
}


def changes() -> Iterator[object]:
    for version in BASES:
        for what, (change, named) in {**common_changes(version), **TIDIED[version]}.items():
            yield pytest.param(version, change, named, id=f"{version}-{what}")


@pytest.mark.parametrize(("version", "change", "named"), list(changes()))
def test_the_comparison_notices_and_names(version: str, change: Change, named: str) -> None:
    changed = parse(BASES[version])
    change(changed)
    difference = first_difference(facts(changed), facts(parse(BASES[version])))
    assert difference is not None
    assert named in difference


# --- Vocabulary and labels ---


@each_version
def test_our_files_keep_to_their_schema(version: str) -> None:
    assert errors(SPEC / "amqp.rng", parse(BASES[version])) == []


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda file: file.name)
def test_overlays_keep_to_theirs(overlay: Path) -> None:
    assert errors(SPEC / "overlay.rng", parse(overlay)) == []


@pytest.mark.parametrize("file", [*BASES.values(), *OVERLAYS], ids=lambda file: file.name)
def test_everything_of_weight_has_a_label_of_one_line(file: Path) -> None:
    assert next(parse(file).iter(*WEIGHTY), None) is not None
    assert label_problems(parse(file)) == []


@each_version
@pytest.mark.parametrize("label", [None, "", "ends.", "lower case", "Two  blanks", "Full stop."])
@pytest.mark.parametrize("kind", WEIGHTY)
def test_a_bad_label_is_noticed(version: str, kind: str, label: str | None) -> None:
    root = parse(BASES[version])
    element = next(root.iter(kind))
    element.attrib.pop("label")
    if label is not None:
        element.set("label", label)
    (problem,) = label_problems(root)
    assert f"line {element.sourceline}: {element.get('name')}" in problem


def labels(file: Path) -> dict[str, str]:
    """Give labels by path, with names as the generator reads them: hyphens, never spaces."""
    return {
        "/".join(reversed(list(steps(element)))): element.get("label", "")
        for element in parse(file).iter(*WEIGHTY)
    }


def steps(element: etree._Element) -> Iterator[str]:
    for step in [element, *element.iterancestors()][:-1]:
        yield "-".join(f"{step.tag!s}/{step.get('name')}".split())


# Number 100, without an answer, is called recover-async in 0-9-1, and recover is another one there.
RENAMED = {"class/basic/method/recover", "class/basic/method/recover/field/requeue"}


@pytest.mark.parametrize(
    ("older", "newer"), [("0-9", NEWEST), ("0-8", NEWEST), ("0-8", BASES["0-9"])]
)
def test_what_stayed_the_same_has_the_same_label(older: str, newer: Path) -> None:
    old, new = labels(BASES[older]), labels(newer)
    same = old.keys() & new.keys()
    assert len(same) > 100
    differing = {path for path in same if old[path] != new[path]}
    assert differing <= RENAMED
