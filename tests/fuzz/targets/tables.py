"""Field tables: the bytes of one, its length in front."""

from __future__ import annotations

from amqpconn_spec._wire import DecodeError, decode_table, encode_table
from tests.fuzz.inputs import agree


def check(data: bytes) -> None:
    try:
        table, end = decode_table(data)
    except DecodeError as error:
        agree(0 <= error.offset <= len(data), True)
        return
    agree(end <= len(data), True)
    again = encode_table(table)
    agree(decode_table(b"front" + again + b"behind", 5)[1], 5 + len(again))
    read, _ = decode_table(again)
    agree(repr(read), repr(table))
    agree(encode_table(read), again)
