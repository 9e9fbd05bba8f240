"""How fast we are beside other libraries: `python -m tests.bench`, or `make bench`.

It measures, keeps all samples as JSON, and writes docs/speed.md and its pictures. A quick run, or
one of some benchmarks only, writes them beside the samples in .bench. The exit status is 0 when
measuring worked, whatever came out; targets that were missed are printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.bench.benches import BENCHES
from tests.bench.machine import about
from tests.bench.model import Bench, Results, Samples
from tests.bench.report import section, verdicts, write
from tests.bench.requirements import Missing
from tests.bench.session import ROOT, Session
from tests.bench.targets import TARGETS

KEPT = ROOT / ".bench"
#: What is told of a quick run.
QUICK = "quick run"


def main() -> int:
    """Measure and report."""
    options = _options()
    try:
        results = Results.load(options.results) if options.again else _run(options)
    except (Missing, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    whole = QUICK not in results.about and set(results.samples) == set(BENCHES)
    folder = options.output or (ROOT / "docs" if whole else KEPT)
    write(folder, results, list(BENCHES.values()), TARGETS)
    _tell(results, folder)
    return 0


def _run(options: argparse.Namespace) -> Results:
    """Measure what was asked for."""
    usual = [key for key, bench in BENCHES.items() if not (options.quick and bench.is_long)]
    samples: dict[str, Samples] = {}
    with Session(options.broker) as session:
        facts = about(session)
        for key in options.only or usual:
            samples[key] = _measured(BENCHES[key], session, options.quick)
    if options.quick:
        facts[QUICK] = "fewer rounds, fewer messages"
    results = Results(samples, facts)
    results.save(options.results)
    return results


def _measured(bench: Bench, session: Session, quick: bool) -> Samples:
    began = time.monotonic()
    print(f"{bench.title} ...", end=" ", flush=True)
    samples = bench.measure(session, quick)
    print(f"{time.monotonic() - began:.0f} s", flush=True)
    return samples


def _tell(results: Results, folder: Path) -> None:
    """Print the tables and the verdicts."""
    for key in results.samples:
        print("", *section(BENCHES[key], results)[-2:], sep="\n\n")
    print()
    targets = [target for target in TARGETS if target.bench in results.samples]
    rows = verdicts(results, BENCHES.values(), targets)
    for title, what, limit, figure, verdict in rows:
        print(f"{verdict:12} {title}: {what}: {figure}, {limit}")
    missed = sum(verdict == "missed" for *_, verdict in rows)
    print(f"\n{missed} of {len(rows)} targets missed; the report is in {folder}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only",
        type=_keys,
        metavar="NAME,...",
        help=f"some of {', '.join(BENCHES)}",
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for a look")
    parser.add_argument(
        "--again", action="store_true", help="report what was kept, without measuring"
    )
    parser.add_argument(
        "--results", type=Path, default=KEPT / "results.json", help="where samples are kept"
    )
    parser.add_argument("--output", type=Path, help="where the page is written")
    parser.add_argument("--broker", metavar="URL", help="a RabbitMQ instead of a private node")
    return parser.parse_args()


def _keys(text: str) -> list[str]:
    keys = text.split(",")
    unknown = [key for key in keys if key not in BENCHES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHES)}"
        )
    return keys


if __name__ == "__main__":
    sys.exit(main())
