"""All benchmarks, in the order of the report."""

from __future__ import annotations

from tests.bench import (
    codec,
    generator,
    handshake,
    idle,
    imports,
    messages,
    roundtrips,
    stream,
)

_ALL = (
    codec.BENCH,
    stream.BENCH,
    stream.CHUNKS,
    handshake.BENCH,
    roundtrips.BENCH,
    imports.BENCH,
    idle.BENCH,
    idle.ON_PEERS,
    messages.BENCH,
    generator.BENCH,
)
BENCHES = {bench.key: bench for bench in _ALL}
