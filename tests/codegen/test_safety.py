"""Names and words of a specification become identifiers and text, and never code."""

from __future__ import annotations

import ast
import inspect
import keyword
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import docstrings, naming
from codegen.pipeline import generate
from tests.codegen.conftest import Made
from tests.codegen.specs import changed, write
from tests.codegen.synthetic import EVIL, NAMES, PATTERN, TYPES, amqp_class, field, method, quoted

# --- Words ---


def foreign_names(source: str) -> set[str]:
    """What code refers to that no template ever does."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.name for alias in node.names}
    return names & {"abort", "os", "__import__", "gnihton", "raise"}


def test_words_of_the_synthetic_specification_are_no_code(made: Made) -> None:
    assert [path for path, source in made.files.items() if foreign_names(source)] == []


def test_words_are_no_code_after_black_either(tmp_path: Path, cache: Path) -> None:
    constants = "".join(
        f'<constant name="evil-{at}" value="{at}" label={quoted(evil)}/>'
        for at, evil in enumerate(EVIL)
    )
    methods = [method(at, f"evil-{at}", [field("a" * at, "octet")]) for at in range(1, len(EVIL))]
    evil = constants + amqp_class(8, "evil", methods, [field("kind", "octet")])
    files = generate(write(tmp_path, changed("</amqp>", f"{evil}</amqp>")), cache)
    for source in files.values():
        compile(source, "x.py", "exec")
        assert not foreign_names(source)
        assert all(letter.isprintable() or letter == "\n" for letter in source)


@given(text=st.text())
def test_any_text_can_be_a_docstring_and_still_says_the_same(text: str) -> None:
    safe = docstrings.sentence(text)
    wrapped = docstrings.PARAGRAPH.fill(f"{safe} {safe}")
    (statement,) = ast.parse(f'"""{wrapped}\n"""').body
    assert isinstance(statement, ast.Expr)
    read = ast.literal_eval(statement.value)
    printable = "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
    expected = printable.replace('"""', "'''")
    assert " ".join(read.split()).startswith(" ".join(expected.split()))


@given(text=st.text())
def test_any_text_can_be_a_comment_of_one_line(text: str) -> None:
    comment = f"#: {docstrings.sentence(text)}\nx = 1"
    assert ast.dump(ast.parse(comment)) == ast.dump(ast.parse("x = 1"))


def test_a_pattern_arrives_as_it_was_written(made: Made) -> None:
    asserts = made.module("checked").Answer.ASSERTS
    assert ("pattern", "regexp", PATTERN) in asserts


# --- Names ---

ATTRIBUTES = {
    "reply-code": "reply_code",
    "global": "global_",
    "class": "class_",
    "None": "none",
    "True": "true",
    "lambda": "lambda_",
    "encode": "encode_",
    "encode-frame": "encode_frame_",
    "decode": "decode_",
    "check": "check_",
    "self": "self_",
    "timestamp-default": "timestamp_default_",
    "type": "type",
    "A1": "a1",
}


@pytest.mark.parametrize(("name", "python"), ATTRIBUTES.items())
def test_fields_are_attributes_by_their_names(name: str, python: str) -> None:
    assert naming.attribute(name) == python


@pytest.mark.parametrize(
    ("name", "python"),
    {
        "tune-ok": "TuneOk",
        "OPEN": "Open",
        "none": "None_",
        "table": "Table_",
        "properties": "Properties_",
        "not-implemented": "NotImplemented_",
        "value-error": "ValueError_",
        "struct": "Struct_",
        "self": "Self_",
        "x-2": "X2",
    }.items(),
)
def test_methods_are_classes_by_their_names(name: str, python: str) -> None:
    assert naming.class_name(name) == python


def test_classes_are_modules_and_constants_names_in_capitals() -> None:
    assert [naming.module_name(name) for name in ("basic", "Import", "decode-method", "a-b")] == [
        "basic",
        "import_",
        "decode_method_",
        "a_b",
    ]
    assert naming.constant_name("frame-min-size") == "FRAME_MIN_SIZE"


@pytest.mark.parametrize("type_", TYPES)
def test_every_name_can_be_an_argument_an_attribute_and_a_keyword(made: Made, type_: str) -> None:
    kind = getattr(made.module("names"), f"Of{type_.capitalize()}")
    names = [naming.attribute(name) for name in NAMES]
    assert list(inspect.signature(kind).parameters) == list(kind.__match_args__)
    assert set(names) == set(kind.__match_args__)
    value: Any = {"bit": True, "shortstr": "x", "longstr": b"x", "table": {"x": 1}}.get(type_, 9)
    if type_ == "timestamp":
        value = kind().x.replace(year=2001)
    for name in kind.__match_args__:
        made_of_it = kind(**{name: value})
        assert getattr(made_of_it, name) == value
        assert kind.decode(made_of_it.encode()) == made_of_it
        assert f"{name}={value!r}" in repr(made_of_it)


def test_every_name_can_be_a_method_a_class_and_a_property(made: Made) -> None:
    registry = made.module("registry")
    assert {"None_", "True_", "Properties", "Properties_", "Method_", "Struct_"} <= set(
        made.module("methods").__all__
    )
    for kind in registry.METHODS.values():
        assert registry.BY_NAME[kind.NAME] is kind
        assert registry.decode_method(kind().encode()) == kind()
    properties = registry.PROPERTIES[2]
    for name in properties.__match_args__:
        assert getattr(properties.decode(properties(**{name: 9}).encode()), name) == 9
    for name in ("import_", "decode_method_", "decode_header_", "struct", "fault"):
        assert made.module(name).M.NAME.endswith(".m")


def test_no_identifier_is_a_keyword() -> None:
    for word in {*keyword.kwlist, *keyword.softkwlist} - {"_"}:
        written = word.lower()
        for make in (naming.attribute, naming.module_name, naming.class_name):
            assert make(written).isidentifier()
            assert not keyword.iskeyword(make(written))


# --- Secrets ---

HUSH = "tr0ub4dor"
WRONG: dict[str, Any] = {
    "octet": 987654321,
    "short": 987654321,
    "long": 98765432101,
    "longlong": -987654321,
    "shortstr": HUSH * 40,
    "longstr": HUSH,
    "timestamp": HUSH,
    "table": {HUSH: {HUSH: object()}},
}


@pytest.mark.parametrize("type_", WRONG)
def test_a_secret_of_any_type_is_in_no_repr_and_no_message(made: Made, type_: str) -> None:
    kinds = [made.module("hidden").All]
    if type_ in ("shortstr", "table"):
        kinds.append(made.module("hidden").Properties)
    for kind in kinds:
        assert type_ in kind.SECRETS
        method = kind(**{type_: WRONG[type_]})
        with pytest.raises(made.wire.EncodeError) as caught:
            method.encode()
        for shown in (repr(method), str(caught.value), repr(caught.value)):
            assert HUSH not in shown
            assert "987654321" not in shown
        assert str(caught.value).startswith(f"{kind.NAME}.{type_} ")
    assert kinds[0](longstr=b"abc", shortstr="äb").encode()
    assert "longstr=<3 secret bytes>" in repr(kinds[0](longstr=b"abc"))
    assert "shortstr=<3 secret bytes>" in repr(kinds[0](shortstr="äb"))
    assert "octet=<secret>" in repr(kinds[0](octet=5))
