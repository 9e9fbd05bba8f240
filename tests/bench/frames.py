"""The same ten frames for four libraries: what makes them of values, and what reads their bytes.

Encoding begins with values and ends with the bytes of a whole frame; decoding begins with those and
ends with an object that has all fields. Names and values are a RabbitMQ's and a client's of it.
Statements are timed as they stand here, without a call around them. py-amqp has no objects for
methods: it packs and unpacks lists, by a text that tells their types.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pamqp.commands
import pamqp.frame
import pamqp.header
import pika.frame
import pika.spec
from amqp.serialization import dumps, loads

from amqpconn_spec.v0_9_1 import basic, connection
from amqpconn_spec.v0_9_1.frames import HeaderFrame, read_frame
from tests.bench.py_amqp import TRANSPORT, read_header, write_frame, write_header

CAPABILITIES = """
    publisher_confirms exchange_exchange_bindings basic.nack consumer_cancel_notify
    connection.blocked consumer_priorities authentication_failure_close per_consumer_qos
    direct_reply_to
""".split()
SERVER: Any = {
    "capabilities": dict.fromkeys(CAPABILITIES, True),
    "cluster_name": "rabbit@buildhost.example.org",
    "copyright": "Copyright (c) 2007-2022 VMware, Inc. or its affiliates.",
    "information": "Licensed under the MPL 2.0. Website: https://rabbitmq.com",
    "platform": "Erlang/OTP 25.2.3",
    "product": "RabbitMQ",
    "version": "3.10.8",
}
CLIENT: Any = {
    "capabilities": dict.fromkeys(CAPABILITIES[:7], True),
    "connection_name": "orders-worker-17",
    "platform": "CPython 3.11.2",
    "product": "amqpconn",
    "version": "0.1.0",
}
HEADERS: Any = {
    "content-length": 100,
    "retries": 3,
    "source": "orders-service",
    "trace-id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "urgent": True,
}
SIX: Any = {
    "content_type": "application/json",
    "headers": HEADERS,
    "delivery_mode": 2,
    "correlation_id": "2f1c6a9e-7a59-4a0e-9a39-3f5c8a5d7e10",
    "message_id": "8d7f0b3e-5f0c-4c7e-8f43-5b9a1d2c3e4f",
    "timestamp": datetime(2024, 5, 17, 12, 30, 45, tzinfo=UTC),
}
# Neither knows datetime, and py-amqp has another name for the table.
SIX_OF_PIKA: Any = {**SIX, "timestamp": 1715949045}
SIX_OF_PY_AMQP: Any = {**SIX_OF_PIKA, "application_headers": HEADERS}
del SIX_OF_PY_AMQP["headers"]
TAG = "ctag1.9f8e7d6c5b4a"

#: What the statements use.
NAMES: dict[str, Any] = {
    "SERVER": SERVER,
    "CLIENT": CLIENT,
    "RESPONSE": b"\0guest\0guest",
    "TEXT": "\0guest\0guest",
    "TAG": TAG,
    "SIX": SIX,
    "SIX_OF_PIKA": SIX_OF_PIKA,
    "SIX_OF_PY_AMQP": SIX_OF_PY_AMQP,
    "connection": connection,
    "basic": basic,
    "HeaderFrame": HeaderFrame,
    "read_frame": read_frame,
    "marshal": pamqp.frame.marshal,
    "unmarshal": pamqp.frame.unmarshal,
    "Connection": pamqp.commands.Connection,
    "Basic": pamqp.commands.Basic,
    "ContentHeader": pamqp.header.ContentHeader,
    "spec": pika.spec,
    "Method": pika.frame.Method,
    "Header": pika.frame.Header,
    "pika_decode": pika.frame.decode_frame,
    "dumps": dumps,
    "loads": loads,
    "TRANSPORT": TRANSPORT,
    "read_header": read_header,
    "frame": write_frame,
    "write_header": write_header,
}

LIBRARIES = ("amqpconn", "pamqp", "pika", "py-amqp")

#: What makes a frame, for each of the libraries.
ENCODE: dict[str, tuple[str, str, str, str]] = {
    "start": (
        'connection.Start(0, 9, SERVER, b"PLAIN AMQPLAIN", b"en_US").encode_frame(0)',
        'marshal(Connection.Start(0, 9, SERVER, "PLAIN AMQPLAIN", "en_US"), 0)',
        'Method(0, spec.Connection.Start(0, 9, SERVER, b"PLAIN AMQPLAIN", b"en_US")).marshal()',
        'frame(1, 0, (10, 10), dumps("ooFSS", (0, 9, SERVER, "PLAIN AMQPLAIN", "en_US")), None)',
    ),
    "start-ok": (
        'connection.StartOk(CLIENT, "PLAIN", RESPONSE, "en_US").encode_frame(0)',
        'marshal(Connection.StartOk(CLIENT, "PLAIN", TEXT, "en_US"), 0)',
        'Method(0, spec.Connection.StartOk(CLIENT, "PLAIN", RESPONSE, "en_US")).marshal()',
        'frame(1, 0, (10, 11), dumps("FsSs", (CLIENT, "PLAIN", RESPONSE, "en_US")), None)',
    ),
    "tune": (
        "connection.Tune(2047, 131072, 60).encode_frame(0)",
        "marshal(Connection.Tune(2047, 131072, 60), 0)",
        "Method(0, spec.Connection.Tune(2047, 131072, 60)).marshal()",
        'frame(1, 0, (10, 30), dumps("BlB", (2047, 131072, 60)), None)',
    ),
    "tune-ok": (
        "connection.TuneOk(2047, 131072, 60).encode_frame(0)",
        "marshal(Connection.TuneOk(2047, 131072, 60), 0)",
        "Method(0, spec.Connection.TuneOk(2047, 131072, 60)).marshal()",
        'frame(1, 0, (10, 31), dumps("BlB", (2047, 131072, 60)), None)',
    ),
    "open": (
        'connection.Open("/").encode_frame(0)',
        'marshal(Connection.Open("/"), 0)',
        'Method(0, spec.Connection.Open("/")).marshal()',
        'frame(1, 0, (10, 40), dumps("ssb", ("/", "", False)), None)',
    ),
    "close": (
        'connection.Close(200, "Normal shutdown", 0, 0).encode_frame(0)',
        'marshal(Connection.Close(200, "Normal shutdown", 0, 0), 0)',
        'Method(0, spec.Connection.Close(200, "Normal shutdown", 0, 0)).marshal()',
        'frame(1, 0, (10, 50), dumps("BsBB", (200, "Normal shutdown", 0, 0)), None)',
    ),
    "deliver": (
        'basic.Deliver(TAG, 4711, False, "orders", "created.eu").encode_frame(1)',
        'marshal(Basic.Deliver(TAG, 4711, False, "orders", "created.eu"), 1)',
        'Method(1, spec.Basic.Deliver(TAG, 4711, False, "orders", "created.eu")).marshal()',
        'frame(1, 1, (60, 60), dumps("sLbss", (TAG, 4711, False, "orders", "created.eu")), None)',
    ),
    "publish": (
        'basic.Publish("orders", "created.eu", True).encode_frame(1)',
        'marshal(Basic.Publish(0, "orders", "created.eu", True), 1)',
        'Method(1, spec.Basic.Publish(0, "orders", "created.eu", True)).marshal()',
        'frame(1, 1, (60, 40), dumps("Bssbb", (0, "orders", "created.eu", True, False)), None)',
    ),
    "ack": (
        "basic.Ack(4711).encode_frame(1)",
        "marshal(Basic.Ack(4711), 1)",
        "Method(1, spec.Basic.Ack(4711)).marshal()",
        'frame(1, 1, (60, 80), dumps("Lb", (4711, False)), None)',
    ),
    "header": (
        "HeaderFrame(1, 60, 1000, basic.Properties(**SIX)).encode()",
        "marshal(ContentHeader(0, 1000, Basic.Properties(**SIX)), 1)",
        "Header(1, 1000, spec.BasicProperties(**SIX_OF_PIKA)).marshal()",
        "write_header(1, 1000, SIX_OF_PY_AMQP)",
    ),
}

#: What reads the bytes of a whole frame.
DECODE = ("read_frame(data)", "unmarshal(data)", "pika_decode(data)")
TYPES_OF_PY_AMQP = {
    "start": "ooFSS",
    "start-ok": "FsSs",
    "tune": "BlB",
    "tune-ok": "BlB",
    "open": "ssb",
    "close": "BsBB",
    "deliver": "sLbss",
    "publish": "Bssbb",
    "ack": "Lb",
}


def encoding(library: str) -> dict[str, str]:
    """The statement of a library that makes each frame."""
    at = LIBRARIES.index(library)
    return {name: statements[at] for name, statements in ENCODE.items()}


def decoding(library: str) -> dict[str, str]:
    """The statement of a library that reads `data`, for each frame."""
    if library != "py-amqp":
        return dict.fromkeys(ENCODE, DECODE[LIBRARIES.index(library)])
    statements = {
        name: f"loads({types!r}, TRANSPORT.read_frame_of(data)[2], 4)"
        for name, types in TYPES_OF_PY_AMQP.items()
    }
    return statements | {"header": "read_header(data)"}


def frames() -> dict[str, bytes]:
    """The bytes of each frame as our statement makes them."""
    statements = encoding("amqpconn")
    return {name: eval(statements[name], NAMES) for name in ENCODE}  # noqa: S307
