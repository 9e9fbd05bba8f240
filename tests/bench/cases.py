"""The same ten frames for three libraries: what makes them of values, and what reads their bytes.

Encoding begins with values and ends with the bytes of a whole frame; decoding begins with those and
ends with an object that has all fields. Names and values are a RabbitMQ's and a client's of it.
Statements are timed as they stand here, without a call around them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pamqp.commands
import pamqp.frame
import pamqp.header
import pika.frame
import pika.spec

from amqpconn_spec.v0_9_1 import basic, connection
from amqpconn_spec.v0_9_1.frames import HeaderFrame, read_frame

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
TAG = "ctag1.9f8e7d6c5b4a"

#: What the statements use.
NAMES: dict[str, Any] = {
    "SERVER": SERVER,
    "CLIENT": CLIENT,
    "RESPONSE": b"\0guest\0guest",
    "TEXT": "\0guest\0guest",
    "TAG": TAG,
    "SIX": SIX,
    "SIX_OF_PIKA": {**SIX, "timestamp": 1715949045},  # it knows no datetime
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
}

#: What makes a frame: amqpconn's statement, pamqp's and pika's.
ENCODE: dict[str, tuple[str, str, str]] = {
    "start": (
        'connection.Start(0, 9, SERVER, b"PLAIN AMQPLAIN", b"en_US").encode_frame(0)',
        'marshal(Connection.Start(0, 9, SERVER, "PLAIN AMQPLAIN", "en_US"), 0)',
        'Method(0, spec.Connection.Start(0, 9, SERVER, b"PLAIN AMQPLAIN", b"en_US")).marshal()',
    ),
    "start-ok": (
        'connection.StartOk(CLIENT, "PLAIN", RESPONSE, "en_US").encode_frame(0)',
        'marshal(Connection.StartOk(CLIENT, "PLAIN", TEXT, "en_US"), 0)',
        'Method(0, spec.Connection.StartOk(CLIENT, "PLAIN", RESPONSE, "en_US")).marshal()',
    ),
    "tune": (
        "connection.Tune(2047, 131072, 60).encode_frame(0)",
        "marshal(Connection.Tune(2047, 131072, 60), 0)",
        "Method(0, spec.Connection.Tune(2047, 131072, 60)).marshal()",
    ),
    "tune-ok": (
        "connection.TuneOk(2047, 131072, 60).encode_frame(0)",
        "marshal(Connection.TuneOk(2047, 131072, 60), 0)",
        "Method(0, spec.Connection.TuneOk(2047, 131072, 60)).marshal()",
    ),
    "open": (
        'connection.Open("/").encode_frame(0)',
        'marshal(Connection.Open("/"), 0)',
        'Method(0, spec.Connection.Open("/")).marshal()',
    ),
    "close": (
        'connection.Close(200, "Normal shutdown", 0, 0).encode_frame(0)',
        'marshal(Connection.Close(200, "Normal shutdown", 0, 0), 0)',
        'Method(0, spec.Connection.Close(200, "Normal shutdown", 0, 0)).marshal()',
    ),
    "deliver": (
        'basic.Deliver(TAG, 4711, False, "orders", "created.eu").encode_frame(1)',
        'marshal(Basic.Deliver(TAG, 4711, False, "orders", "created.eu"), 1)',
        'Method(1, spec.Basic.Deliver(TAG, 4711, False, "orders", "created.eu")).marshal()',
    ),
    "publish": (
        'basic.Publish("orders", "created.eu", True).encode_frame(1)',
        'marshal(Basic.Publish(0, "orders", "created.eu", True), 1)',
        'Method(1, spec.Basic.Publish(0, "orders", "created.eu", True)).marshal()',
    ),
    "ack": (
        "basic.Ack(4711).encode_frame(1)",
        "marshal(Basic.Ack(4711), 1)",
        "Method(1, spec.Basic.Ack(4711)).marshal()",
    ),
    "header": (
        "HeaderFrame(1, 60, 1000, basic.Properties(**SIX)).encode()",
        "marshal(ContentHeader(0, 1000, Basic.Properties(**SIX)), 1)",
        "Header(1, 1000, spec.BasicProperties(**SIX_OF_PIKA)).marshal()",
    ),
}

#: What reads the bytes of a whole frame, in the same order.
DECODE = ("read_frame(data)", "unmarshal(data)", "pika_decode(data)")
LIBRARIES = ("amqpconn", "pamqp", "pika")


def frames() -> dict[str, bytes]:
    """The bytes of each frame as our statement makes them."""
    return {name: eval(statements[0], NAMES) for name, statements in ENCODE.items()}  # noqa: S307
