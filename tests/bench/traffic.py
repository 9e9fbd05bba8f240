"""Streams of frames as a server sends them, in chunks as they come from a socket."""

from __future__ import annotations

from amqpconn_spec.v0_9_1 import basic
from amqpconn_spec.v0_9_1.frames import HEARTBEAT, BodyFrame, HeaderFrame

MEBIBYTE = 1 << 20
BODY = bytes(range(100))


def delivery(properties: basic.Properties) -> bytes:
    """A message of 100 bytes in its three frames."""
    deliver = basic.Deliver("ctag1.9f8e7d6c5b4a", 4711, False, "orders", "created.eu")
    header = HeaderFrame(1, 60, len(BODY), properties)
    return deliver.encode_frame(1) + header.encode() + BodyFrame(1, BODY).encode()


def units() -> dict[str, bytes]:
    """What each kind of traffic repeats."""
    plain = delivery(basic.Properties(content_type="application/json", delivery_mode=2))
    headers = delivery(
        basic.Properties(
            content_type="application/json",
            delivery_mode=2,
            headers={"source": "orders-service", "retries": 3, "urgent": True},
        )
    )
    return {"heartbeat": HEARTBEAT, "deliver": plain, "headers": headers}


def streams() -> dict[str, bytes]:
    """About a mebibyte of each kind of traffic."""
    return {name: unit * (MEBIBYTE // len(unit)) for name, unit in units().items()}


def chunks(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]
