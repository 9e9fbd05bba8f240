"""What it takes to import a library, and to use it for the first time."""

from __future__ import annotations

import sys

from tests.bench.clients import place
from tests.bench.model import Bench, Case, Panel, Samples, add
from tests.bench.session import Session

BARE = "python"
ASYNCIO = "asyncio"

#: Programs that import, and those that go on to open a connection and close it.
IMPORTING: dict[str, str] = {
    BARE: "pass",
    ASYNCIO: "import asyncio",
    "amqpconn": "import amqpconn",
    "amqpconn.sync": "import amqpconn.sync",
    "amqpconn.asyncio": "import amqpconn.asyncio",
    "py-amqp": "import amqp",
    "pika": "import pika",
    "amqpstorm": "import amqpstorm",
    "aiormq": "import aiormq",
    "aio-pika": "import aio_pika",
}
CONNECTING = {
    BARE: "pass",
    ASYNCIO: "import asyncio; asyncio.run(asyncio.sleep(0))",
    "amqpconn.sync": "from amqpconn.sync import connect; connect('{url}').close()",
    "amqpconn.asyncio": "import asyncio, amqpconn.asyncio as a\n"
    "async def main(): await (await a.connect('{url}')).close()\nasyncio.run(main())",
    "py-amqp": "import amqp\nc = amqp.Connection('{host}:{port}'); c.connect(); c.close()",
    "pika": "import pika; pika.BlockingConnection(pika.URLParameters('{url}')).close()",
    "amqpstorm": "from amqpstorm import Connection\n"
    "Connection('{host}', 'guest', 'guest', port={port}).close()",
    "aiormq": "import asyncio, aiormq as a\n"
    "async def main(): await (await a.connect('{url}')).close()\nasyncio.run(main())",
    "aio-pika": "import asyncio, aio_pika as a\n"
    "async def main(): await (await a.connect('{url}')).close()\nasyncio.run(main())",
}

NOTES = """\
A program is run from its start to its end, with all modules compiled already: one that only imports
the library, and one that also opens a connection to RabbitMQ and closes it. `python` does nothing
at all, and `asyncio` imports asyncio, in the second case with an event loop that runs once. What a
library takes is the difference to one of these. On the clock a connection includes the broker's
share, which the processor time does not."""


def measure(session: Session, quick: bool) -> Samples:
    """Each round runs all programs once; the first round, which compiles, does not count.

    What is asked for are small differences of large times, so there are many rounds.
    """
    host, port = place(session.url)
    programs = {("import", library): code for library, code in IMPORTING.items()}
    for library, code in CONNECTING.items():
        programs["connect", library] = code.format(url=session.url, host=host, port=port)
    samples: Samples = {}
    for number in range(4 if quick else 40):
        for (what, library), code in programs.items():
            for clock, seconds in session.spent(sys.executable, "-c", code).items():
                if number:
                    add(samples, f"{what} {clock}", library, [seconds])
    return samples


_NO_DRIVER = "it connects with one of the two below"
BENCH = Bench(
    key="imports",
    title="Imports",
    notes=NOTES,
    cases=(
        Case("import wall", "import, on the clock", "ms"),
        Case("import cpu", "import, processor", "ms"),
        Case("connect wall", "import, open, close, on the clock", "ms"),
        Case("connect cpu", "import, open, close, processor", "ms"),
    ),
    libraries=tuple(IMPORTING),
    base=BARE,
    measure=measure,
    panels=(
        Panel("a program that imports, ms on the clock", ("import wall",)),
        Panel("a program that imports, opens and closes, ms of processor", ("connect cpu",)),
    ),
    why_not={"connect wall/amqpconn": _NO_DRIVER, "connect cpu/amqpconn": _NO_DRIVER},
)
