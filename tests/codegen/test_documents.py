"""Files that are no specification, or more than one: how they are refused, and where."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from codegen.diagnostics import Diagnostics
from codegen.loader import load
from tests.codegen.specs import LAMP, changed, problems, unmarked, write

SWITCH = '    <method name="switch" index="10" synchronous="1">\n'
SHAPE = '    <field name="shape" type="octet"/>\n'
POWER = '  <constant name="no-power" value="401" class="hard-error"/>\n'
RESPONSE = '      <response name="switch-ok"/>\n'
END = "  </class>\n</amqp>\n"

# --- Schema ---

UNKNOWN_WORDS = {
    "attribute": (SWITCH, '    [schema]<method\n name="switch"\n index="10" synchronus="1">\n'),
    "element": (RESPONSE, '      [schema]<reply\n name="switch-ok"/>\n'),
    "element of another language": (
        RESPONSE,
        '      [schema]<x:reply xmlns:x="urn:x"\n name="switch-ok"/>\n',
    ),
}


@pytest.mark.parametrize("name", UNKNOWN_WORDS)
def test_the_schema_finds_words_that_nobody_knows(name: str, tmp_path: Path) -> None:
    old, new = UNKNOWN_WORDS[name]
    text, marks = unmarked(changed(old, new))
    write(tmp_path, text, schema=True)
    found = problems(tmp_path)
    places = {tuple(line.split(" ")[:2]) for line in found}
    assert places == {(f"{tmp_path}/lamp.xml:{line}:", f"[{rule}]") for line, rule in marks}


def test_a_schema_that_is_none_is_reported_and_not_ignored(tmp_path: Path) -> None:
    write(tmp_path)
    for text in ("<grammar", "<element/>"):
        (tmp_path / "amqp.rng").write_text(text)
        assert [line.split(" ")[:2] for line in problems(tmp_path)] == [
            [f"{tmp_path}/amqp.rng:0:", "[bad-schema]"]
        ]


# --- Documents that are none, or are more than a document ---

MALFORMED = {
    "cut off": (LAMP[:-8], 26, "malformed-xml", "Premature end of data"),
    "tags crossed": (changed(END, "</amqp></class>\n"), 25, "malformed-xml", "tag mismatch"),
    "nothing": ("", 1, "malformed-xml", "no element found"),
    "no XML": ("major = 0\n", 1, "malformed-xml", "syntax error"),
    "two roots": (LAMP + "<amqp/>", 27, "malformed-xml", "Extra content"),
    "undefined entity": (changed('"shape"', '"&shape;"'), 13, "malformed-xml", "shape"),
    "attribute twice": (changed('"shape"', '"a" name="b"'), 13, "malformed-xml", "redefined"),
    "encoding that does not exist": (
        '<?xml version="1.0" encoding="utf-99"?>\n' + LAMP,
        1,
        "malformed-xml",
        "unknown encoding",
    ),
    "control character": (changed('"shape"', '"\x01"'), 13, "malformed-xml", ""),
    "document type": ("<!DOCTYPE amqp>\n" + LAMP, 1, "doctype", "is refused"),
    "too deep": ("<amqp>" + "\n<a>" * 50, 51, "too-large", "elements lie deeper than 50"),
    "too many": ("<amqp>" + "<a/>\n" * 5000, 5000, "too-large", "more than 5000 elements"),
    "too many attributes": (
        "<amqp>\n<a " + " ".join(f"a{number}=''" for number in range(51)) + "/></amqp>",
        2,
        "too-large",
        "more than 50 attributes",
    ),
    "too long": (f"<amqp>\n<a b='{'x' * 10_001}'/></amqp>", 2, "too-large", "10000 characters"),
    "document type, far down": ("<!-- -->\n\n<!DOCTYPE amqp>" + LAMP, 3, "doctype", "refused"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_plain_document_is_refused_at_its_line(name: str, tmp_path: Path) -> None:
    text, line, rule, words = MALFORMED[name]
    write(tmp_path, text)
    (found,) = problems(tmp_path)
    assert found.startswith(f"{tmp_path}/lamp.xml:{line}: [{rule}] ")
    assert words in found


def test_bytes_that_are_not_of_the_encoding_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "lamp.xml").write_bytes(LAMP.replace("shape", "f\xfcr").encode("latin-1"))
    (found,) = problems(tmp_path)
    assert "lamp.xml:13: [malformed-xml] " in found


def test_other_encodings_are_read(tmp_path: Path) -> None:
    write(tmp_path)
    text = f'<?xml version="1.0" encoding="utf-16"?>{LAMP}'
    (tmp_path / "lamp.xml").write_bytes(text.encode("utf-16"))
    assert problems(tmp_path) == []


def test_a_document_that_only_one_parser_takes_is_refused(tmp_path: Path) -> None:
    """XML's fifth edition allows more letters in names than the fourth; expat keeps to that."""
    write(tmp_path, changed(SHAPE, f"    <\u0370/>\n{SHAPE}"))
    (found,) = problems(tmp_path)
    assert found.startswith(f"{tmp_path}/lamp.xml:13: [malformed-xml] column 6: not well-formed")


LAUGHS = "".join(
    f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">\n' if level else '<!ENTITY l0 "ha">\n'
    for level in range(12)
)
ENTITIES = {
    "of a file": '<!DOCTYPE amqp [<!ENTITY out SYSTEM "file://{secret}">]>\n',
    "of the network": '<!DOCTYPE amqp [<!ENTITY out SYSTEM "http://127.0.0.1:9/out">]>\n',
    "in a parameter": '<!DOCTYPE amqp [<!ENTITY % p SYSTEM "file://{secret}"> %p;]>\n',
    "as the document type": '<!DOCTYPE amqp SYSTEM "file://{secret}">\n',
    "of its own": '<!DOCTYPE amqp [<!ENTITY out "mine">]>\n',
    "that expand without end": f'<!DOCTYPE amqp [\n{LAUGHS}<!ENTITY out "&l11;">]>\n',
}


@pytest.mark.parametrize("name", ENTITIES)
def test_entities_are_refused_at_once_and_not_followed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    text = changed('"shape" type="octet"', '"shape" type="octet" label="&out;"')
    write(tmp_path, ENTITIES[name].replace("{secret}", str(secret)) + text)
    opened: list[Path] = []
    read_bytes = Path.read_bytes

    def noted(path: Path) -> bytes:
        opened.append(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    started = time.process_time()

    (found,) = problems(tmp_path)

    assert time.process_time() - started < 1.0
    assert found.startswith(f"{tmp_path}/lamp.xml:1: [doctype] ")
    assert "password" not in found
    assert opened == [tmp_path / "lamp.xml"]


def test_an_inclusion_stays_an_element_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "other.xml").write_text('<constant name="secret" value="1"/>')
    include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="other.xml"/>'
    write(tmp_path, changed(POWER, include), schema=True)
    found = problems(tmp_path)
    assert found
    assert all(f"{tmp_path}/lamp.xml:7: [schema] " in line for line in found)


def test_comments_instructions_and_white_space_say_nothing(tmp_path: Path) -> None:
    plain, _ = load(write(tmp_path / "a") / "lamp.xml", tmp_path / "none", Diagnostics())
    noise = changed(SHAPE, f"<!-- {SHAPE} -->\n\n<?say {SHAPE}?>\t{SHAPE}")
    noisy, _ = load(write(tmp_path / "b", noise) / "lamp.xml", tmp_path / "none", Diagnostics())
    assert plain is not None
    assert noisy is not None
    assert [child.kind for child in plain.children] == [child.kind for child in noisy.children]
    lamps = [node.of_kind("class")[0].children for node in (plain, noisy)]
    assert [each.name for each in lamps[0]] == [each.name for each in lamps[1]]


# --- The manifest ---

MANIFESTS = {
    "no TOML": ("[lamp_1\n", "is no TOML: ", "line 1"),
    "no text": ("\udcff", "is no TOML: ", "utf-8"),
    "nothing": ("", "lists no version", ""),
    "no table": ("lamp = 1\n", "[lamp] needs base and overlays", ""),
    "no base": ("[lamp_1]\noverlays = []\n", "[lamp_1] needs base and overlays", ""),
    "overlays that are no list": (
        '[lamp_1]\nbase = "lamp.xml"\noverlays = "x.xml"\n',
        "[lamp_1] needs base and overlays",
        "",
    ),
    "base elsewhere": ('[lamp_1]\nbase = "../lamp.xml"\n', "files beside this one", ""),
    "empty base": ('[lamp_1]\nbase = ""\n', "files beside this one", ""),
    "overlay elsewhere": (
        '[lamp_1]\nbase = "lamp.xml"\noverlays = ["/etc/passwd"]\n',
        "files beside this one",
        "",
    ),
    "unknown key": ('[lamp_1]\nbase = "lamp.xml"\noverlay = []\n', "has keys besides", ""),
    "package that is a keyword": ('[import]\nbase = "lamp.xml"\n', "is no name for a package", ""),
    "package that is no name": ('["0-9-1"]\nbase = "lamp.xml"\n', "[0-9-1] is no name", ""),
    "package that is private": ('[_base]\nbase = "lamp.xml"\n', "[_base] is no name", ""),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_cannot_be_followed_is_refused(name: str, tmp_path: Path) -> None:
    text, *words = MANIFESTS[name]
    manifest = write(tmp_path) / "versions.toml"
    manifest.write_text(text, encoding="utf-8", errors="surrogateescape")
    (found,) = problems(tmp_path)
    assert found.startswith(f"{manifest}:0: [manifest] ")
    assert all(word in found for word in words)


def test_files_that_are_missing_are_all_named(tmp_path: Path) -> None:
    assert [line.split(": ", 1)[1] for line in problems(tmp_path)] == [
        "[missing-file] cannot be read: No such file or directory"
    ]
    (tmp_path / "versions.toml").write_text('[a]\nbase = "b.xml"\noverlays = ["c.xml"]\n')
    assert problems(tmp_path) == [
        f"{tmp_path}/{name}:0: [missing-file] cannot be read: No such file or directory"
        for name in ("b.xml", "c.xml")
    ]
