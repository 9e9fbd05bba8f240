"""How fast we are beside other libraries: `python -m tests.bench`, or `make bench`.

It measures, keeps all samples as JSON, and writes docs/speed.md and its pictures from them. The
exit status is 0 when measuring worked, whatever came out; targets that were missed are printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

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
from tests.bench.model import Bench, Results, Samples
from tests.bench.requirements import Missing
from tests.bench.session import ROOT, Session

BENCHES = {
    bench.key: bench
    for bench in (
        codec.BENCH,
        stream.BENCH,
        stream.CHUNKS,
        handshake.BENCH,
        roundtrips.BENCH,
        imports.BENCH,
        idle.BENCH,
        messages.BENCH,
        generator.BENCH,
    )
}


def main() -> int:
    """Measure and report."""
    options = _options()
    samples: dict[str, Samples] = {}
    try:
        with Session(options.broker) as session:
            for key in options.only:
                samples[key] = _measured(BENCHES[key], session, options.quick)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    results = Results(samples, {})
    results.save(options.results)
    for key, cases in samples.items():
        for case in BENCHES[key].cases:
            for library, values in cases.get(case.key, {}).items():
                print(
                    key,
                    case.key,
                    library,
                    case.shown(results.median(key, case.key, library)),
                    case.unit,
                    f"{results.spread(key, case.key, library):.1%}",
                    len(values),
                )
    return 0


def _measured(bench: Bench, session: Session, quick: bool) -> Samples:
    began = time.monotonic()
    print(f"{bench.title} ...", end=" ", flush=True)
    samples = bench.measure(session, quick)
    print(f"{time.monotonic() - began:.0f} s")
    return samples


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(BENCHES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--results", type=Path, default=ROOT / ".bench" / "results.json")
    parser.add_argument("--broker")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
