"""Generated code, the layout it is printed from, and a naive oracle agree on every byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, product
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.diagnostics import Origin
from codegen.layout import (
    Bit,
    Fixed,
    Operation,
    Skip,
    Slot,
    Table,
    Text,
    method_layout,
    property_flags,
)
from codegen.model import ResolvedClass, ResolvedField, ResolvedMethod
from codegen.render import Renderer
from tests.codegen import interpreter, oracle
from tests.codegen.conftest import PARENT, VERSION, Made
from tests.codegen.oracle import Values
from tests.codegen.synthetic import TYPES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
DEEP: dict[str, Any] = {"": None, "k" * 255: [{"a": -(2**63)}, "é", True, 2.5, b"\xff"]}

#: The least and the greatest of each type, and something between.
LIMITS: dict[str, list[Any]] = {
    "bit": [False, True],
    "octet": [0, 255, 206],
    "short": [0, 2**16 - 1, 0x1234],
    "long": [0, 2**32 - 1, 0x12345678],
    "longlong": [0, 2**64 - 1, 0x123456789ABCDEF0],
    "shortstr": ["", "x" * 255, "é" * 127, "%s\0"],
    "longstr": [b"", bytes(range(256)) * 2, b"%b"],
    "timestamp": [EPOCH, LATEST, datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)],
    "table": [{}, DEEP, {"key": "value"}],
}


def everything(made: Made) -> Iterator[tuple[ResolvedClass, ResolvedMethod]]:
    return ((found, method) for found in made.protocol.classes for method in found.methods)


def test_the_synthetic_specification_has_what_it_is_for(made: Made) -> None:
    runs = {sum(field.type == "bit" for field in method.fields) for _, method in everything(made)}
    assert {0, 1, 7, 8, 9, 16, 17, 64} <= runs
    counts = {len(found.properties) for found in made.protocol.classes if found.properties}
    assert {1, 15, 16, 30, 31, 40} <= counts
    pairs = {
        (before.type, behind.type, before.reserved, behind.reserved)
        for _, method in everything(made)
        for before, behind in pairwise(method.fields)
    }
    for before, behind in product(TYPES, repeat=2):
        for marks in ((False, True), (True, False)):
            assert (before, behind, *marks) in pairs
        assert (before, behind, False, False) in pairs


def samples(fields: Sequence[ResolvedField]) -> Iterator[Values]:
    """All at their least, all at their greatest, and one at a time at each of its limits."""
    visible = [field for field in fields if not field.reserved]
    for at in (0, 1):
        yield {field.python: LIMITS[field.type][at] for field in visible}
    least = {field.python: LIMITS[field.type][0] for field in visible}
    for field in visible[:64]:
        for value in LIMITS[field.type][1:]:
            yield {**least, field.python: value}


def test_all_agree_on_methods_at_their_limits(made: Made) -> None:
    methods = made.module("registry").METHODS
    for _, method in everything(made):
        layout = method_layout(method.fields)
        for values in samples(method.fields):
            agree(methods[method.index], method, layout, values)


def agree(kind: Any, method: ResolvedMethod, layout: Any, values: Values) -> None:
    """Check one method with these values: written and read, by all three."""
    arguments = oracle.encode(method.fields, values)
    assert interpreter.encode(layout, values) == arguments, method.full_name
    written = kind(**values)
    payload = written.encode()
    assert payload == bytes([*oracle.integer(method.index, 4), *arguments]), method.full_name
    assert oracle.decode(method.fields, arguments) == values
    assert interpreter.decode(layout, arguments) == values
    read = kind.decode(payload)
    assert {name: getattr(read, name) for name in values} == values
    assert read == written
    frame = [4, 1, 2, *oracle.integer(len(payload), 4), *payload, 37]
    assert written.encode_frame(258) == bytes(frame)


def test_all_agree_on_content_properties(made: Made) -> None:
    for found in made.protocol.classes:
        if found.properties is None:
            continue
        kind = made.module("registry").PROPERTIES[found.class_id]
        visible = [field for field in found.properties if not field.reserved]
        given_ = [{}, *samples(found.properties)]
        given_ += [{field.python: LIMITS[field.type][0]} for field in visible]
        given_ += [
            {field.python: LIMITS[field.type][2] for field in visible[at::step]}
            for step in (2, 3, 15, 16)
            for at in range(step)
            if found.name == "contents" or step == 15
        ]
        for values in given_:
            data = oracle.encode_properties(found.properties, values)
            assert kind(**values).encode() == data, found.name
            expected = dict.fromkeys((field.python for field in visible), None) | values
            assert oracle.decode_properties(found.properties, data) == expected
            read = kind.decode(data)
            assert {name: getattr(read, name) for name in expected} == expected
            assert read == kind(**values)


def test_a_long_string_can_be_long(made: Made) -> None:
    kind = made.module("runs").OnlyLongstr
    value = bytes(range(256)) * 300
    payload = kind(value).encode()
    assert payload[4:8] == b"\x00\x01\x2c\x00"
    assert kind.decode(payload).a == value


def test_reserved_fields_are_passed_over_whatever_they_hold(made: Made) -> None:
    """A peer of another version may use what this one reserves."""
    methods = made.module("registry").METHODS
    for _, method in everything(made):
        if not any(field.reserved for field in method.fields):
            continue
        used = [_used(field) for field in method.fields]
        for at in (0, 1):
            values = {field.python: LIMITS[field.type][at] for field in used}
            data = oracle.encode(used, {**values, **_greatest(method.fields)})
            visible = {f.python: values[f.python] for f in method.fields if not f.reserved}
            read = methods[method.index].decode(data, 0)
            assert {name: getattr(read, name) for name in visible} == visible
            assert interpreter.decode(method_layout(method.fields), data) == visible
    contents = made.module("contents").Properties
    (properties,) = (c.properties for c in made.protocol.classes if c.name == "contents")
    assert properties is not None
    everything_set = {field.python: LIMITS[field.type][1] for field in properties}
    data = oracle.encode_properties([_used(field) for field in properties], everything_set)
    read = contents.decode(data)
    for field in properties:
        if not field.reserved:
            assert getattr(read, field.python) == everything_set[field.python]


def _used(field: ResolvedField) -> ResolvedField:
    """The same field as a version has it that uses it."""
    return replace(field, reserved=False)


def _greatest(fields: Sequence[ResolvedField]) -> Values:
    return {field.python: LIMITS[field.type][1] for field in fields if field.reserved}


def test_cut_or_longer_payloads_are_refused_at_the_right_place(made: Made) -> None:
    methods = made.module("registry").METHODS
    error = made.wire.DecodeError
    for _, method in everything(made):
        values = {field.python: LIMITS[field.type][0] for field in method.arguments}
        payload = methods[method.index](**values).encode()
        for end in range(4, len(payload)):
            with pytest.raises(error) as caught:
                methods[method.index].decode(payload[:end])
            assert caught.value.name == method.full_name
            assert 4 <= caught.value.offset <= end
        with pytest.raises(error, match="1 bytes are left over") as caught:
            methods[method.index].decode(payload + b"\0")
        assert caught.value.offset == len(payload)


# --- Fields that nobody thought of ---


def resolved(shape: Sequence[tuple[str, bool]]) -> tuple[ResolvedField, ...]:
    """Fields of these types, some of them reserved."""
    return tuple(
        ResolvedField(f"f{at}", f"f{at}", type_, "", reserved, False, (), Origin("x.xml", 1))
        for at, (type_, reserved) in enumerate(shape)
    )


class Compiler:
    """Prints and runs the code for a class that is only made up."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.renderer = Renderer()

    def method(self, fields: tuple[ResolvedField, ...]) -> tuple[ResolvedMethod, Any]:
        example = self.made.protocol.classes[0].methods[0]
        method = replace(example, fields=fields, class_name="Example", replies=())
        return method, self._module((method,), None).Example

    def properties(self, fields: tuple[ResolvedField, ...]) -> Any:
        return self._module((), fields).Properties

    def _module(
        self, methods: tuple[ResolvedMethod, ...], properties: tuple[ResolvedField, ...] | None
    ) -> ModuleType:
        found = replace(
            self.made.protocol.classes[0],
            module="example",
            methods=methods,
            properties=properties,
        )
        protocol = replace(self.made.protocol, classes=(found,))
        source = self.renderer.version(protocol)["example.py"]
        module = ModuleType(f"{PARENT}.{VERSION}.example")
        module.__package__ = f"{PARENT}.{VERSION}"
        exec(compile(source, "example.py", "exec"), vars(module))  # noqa: S102 - what it is for
        return module


@pytest.fixture(scope="module")
def compiler(made: Made) -> Compiler:
    made.module("registry")  # so that what the code imports is there
    return Compiler(made)


FIELD = st.tuples(st.sampled_from(TYPES), st.booleans() | st.just(value=False))
FIELDS = st.lists(FIELD, max_size=12)
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
INTEGERS = {"octet": 8, "short": 16, "long": 32, "longlong": 64}
TABLES = st.dictionaries(
    TEXT,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.text(st.characters(codec="utf-8"), max_size=300)
        | st.binary(max_size=300)
        | st.datetimes(EPOCH.replace(tzinfo=None), timezones=st.just(UTC)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bit": st.booleans(),
    **{name: st.integers(0, 2**width - 1) for name, width in INTEGERS.items()},
    "shortstr": TEXT,
    "longstr": st.binary(max_size=300),
    "timestamp": st.integers(0, int(LATEST.timestamp())).map(
        lambda seconds: datetime.fromtimestamp(seconds, UTC)
    ),
    "table": TABLES,
}


@given(data=st.data(), shape=FIELDS)
def test_all_agree_on_any_fields_and_values(
    compiler: Compiler, data: st.DataObject, shape: list[tuple[str, bool]]
) -> None:
    method, kind = compiler.method(resolved(shape))
    for _ in range(2):
        values = {field.python: data.draw(VALUES[field.type]) for field in method.arguments}
        agree(kind, method, method_layout(method.fields), values)


@given(data=st.data(), shape=st.lists(FIELD.filter(lambda each: each[0] != "bit"), max_size=48))
def test_all_agree_on_any_properties(
    compiler: Compiler, data: st.DataObject, shape: list[tuple[str, bool]]
) -> None:
    fields = resolved(shape)
    kind = compiler.properties(fields)
    visible = [field for field in fields if not field.reserved]
    for _ in range(2):
        chosen = [field for field in visible if data.draw(st.booleans())]
        values = {field.python: data.draw(VALUES[field.type]) for field in chosen}
        octets = oracle.encode_properties(fields, values)
        assert kind(**values).encode() == octets
        assert kind.decode(octets) == kind(**values)


# --- The layout itself ---


def layout(*shape: str) -> tuple[Operation, ...]:
    """The layout of fields of these types; a hyphen in front of a type makes a field reserved."""
    return method_layout(resolved([(type_.lstrip("-"), type_[0] == "-") for type_ in shape]))


def test_neighbours_of_known_size_are_one_run() -> None:
    (run,) = layout("octet", "short", "-long", "bit", "bit", "longlong", "timestamp")
    assert run == Fixed(
        (
            Slot("integer", "B", 1, "f0"),
            Slot("integer", "H", 2, "f1"),
            Slot("zero", "4x", 4),
            Slot("bits", "B", 1, bits=(Bit("f3", 1), Bit("f4", 2))),
            Slot("integer", "Q", 8, "f5"),
            Slot("timestamp", "Q", 8, "f6"),
        )
    )
    assert (run.format, run.size) == ("BH4xBQQ", 24)


def test_the_length_of_a_string_belongs_to_the_run_before_it() -> None:
    assert layout("long", "shortstr", "bit", "longstr", "octet") == (
        Fixed((Slot("integer", "I", 4, "f0"), Slot("length", "B", 1, "f1"))),
        Text("f1", "shortstr"),
        Fixed((Slot("bits", "B", 1, bits=(Bit("f2", 1),)), Slot("length", "I", 4, "f3"))),
        Text("f3", "longstr"),
        Fixed((Slot("integer", "B", 1, "f4"),)),
    )


def test_a_table_has_a_length_of_its_own_unless_nobody_wants_it() -> None:
    assert layout("table", "-table", "-shortstr", "table") == (
        Table("f0"),
        Fixed((Slot("length", "I", 4),)),
        Skip(),
        Fixed((Slot("length", "B", 1),)),
        Skip(),
        Table("f3"),
    )


def test_the_ninth_bit_begins_an_octet_and_reserved_ones_keep_their_place() -> None:
    (run,) = layout(*["bit"] * 3, "-bit", *["bit"] * 6, *["-bit"] * 6, "-bit")
    low = tuple(Bit(f"f{at}", 1 << at) for at in (0, 1, 2, 4, 5, 6, 7))
    assert run == Fixed(
        (
            Slot("bits", "B", 1, bits=low),
            Slot("bits", "B", 1, bits=(Bit("f8", 1), Bit("f9", 2))),
            Slot("zero", "x", 1),
        )
    )


def test_nothing_takes_no_operations() -> None:
    assert layout() == ()


@given(shape=FIELDS)
def test_operations_alternate_so_that_nothing_more_could_fuse(
    shape: list[tuple[str, bool]],
) -> None:
    operations = method_layout(resolved(shape))
    for before, behind in pairwise(operations):
        assert not (isinstance(before, Fixed) and isinstance(behind, Fixed))
        if isinstance(behind, Text | Skip):
            assert isinstance(before, Fixed)
            assert before.slots[-1].kind == "length"
    for operation in operations:
        if isinstance(operation, Fixed):
            assert "length" not in [slot.kind for slot in operation.slots[:-1]]


def test_flags_are_fifteen_to_a_word_from_the_highest_bit() -> None:
    flags = property_flags(resolved([("octet", False)] * 32))
    assert [(flag.word, flag.mask) for flag in flags] == [
        *((0, 0x8000 >> place) for place in range(15)),
        *((1, 0x8000 >> place) for place in range(15)),
        (2, 0x8000),
        (2, 0x4000),
    ]
    assert 1 not in [flag.mask for flag in flags]
