"""Payloads: version, number of the method or of the properties in their order, and its fields.

The choice is by place and not by class and method id, which a fuzzer would have to guess.
"""

from __future__ import annotations

from amqpconn.core.dialect import Dialect
from amqpconn_spec._base import FieldSet, Method
from amqpconn_spec._wire import DecodeError
from tests.fuzz.inputs import DIALECTS, agree, one_of, shown, taken

KINDS: dict[str, list[type[FieldSet]]] = {
    dialect.protocol: [*dialect.methods.values(), *dialect.package.registry.PROPERTIES.values()]
    for dialect in DIALECTS
}


def check(data: bytes) -> None:
    (version, place), fields = taken(data, 2)
    dialect = one_of(DIALECTS, version)
    kind = one_of(KINDS[dialect.protocol], place)
    if issubclass(kind, Method):
        _check_method(dialect, kind, fields)
    else:
        _check_properties(dialect, kind.CLASS_ID, fields)


def _check_method(dialect: Dialect, kind: type[Method], fields: bytes) -> None:
    payload = kind.INDEX.to_bytes(4, "big") + fields
    try:
        method = dialect.decode_method(payload)
    except DecodeError as error:
        agree((error.name, 4 <= error.offset <= len(payload)), (kind.NAME, True))
        return
    frame = method.encode_frame(7)
    read = dialect.decode_method(frame, 7, len(frame) - 1)
    agree(shown(read), shown(method))
    agree(read.encode_frame(7), frame)
    agree(method.check() == read.check(), True)


def _check_properties(dialect: Dialect, class_id: int, fields: bytes) -> None:
    payload = class_id.to_bytes(2, "big") + b"\0\0" + (5).to_bytes(8, "big") + fields
    try:
        header = dialect.decode_header(payload)
    except DecodeError as error:
        agree(12 <= error.offset <= len(payload), True)
        return
    agree(shown(dialect.decode_header(header.encode())), shown(header))
    agree(dialect.decode_header(header.encode()).encode(), header.encode())
