"""What one run of the benchmarks has: a broker, children to measure in, the program in C."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from tests.bench.apart import apart
from tests.bench.clients import CLIENTS, LIMIT, place
from tests.bench.process import Process, spent
from tests.bench.requirements import Missing, compiler
from tests.broker.rabbitmq import SERVER, RabbitMQNode

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
#: Seconds that a child may take; none comes near it.
CHILD_TIMEOUT_S = 300.0


class Session:
    """Everything is made when it is first asked for, and gone after the `with` block.

    Args:
        broker: URL of a broker that is used instead of a private node, for work on a benchmark.
    """

    def __init__(self, broker: str | None = None) -> None:
        self._given = broker
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="bench-")))

    def __enter__(self) -> Self:
        # A broker and its clients inherit how many files they may open.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def environment(self) -> dict[str, str]:
        """For children: our code is found, and compiled modules are kept as users' are."""
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}"}
        environment["PYTHONPYCACHEPREFIX"] = str(self.folder / "pyc")
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return environment

    @cached_property
    def url(self) -> str:
        """The URL of a RabbitMQ node, started by the first who asks."""
        if self._given:
            return self._given
        return f"amqp://guest:guest@{self._node.host}:{self._node.port}/"

    @cached_property
    def _node(self) -> RabbitMQNode:
        if not SERVER.exists():
            raise Missing("RabbitMQ", "apt-get install rabbitmq-server")
        node = RabbitMQNode(self.folder / "node", config="log.connection.level = none\n")
        return self._stack.enter_context(node)

    def apart(self) -> AbstractContextManager[None]:
        """Processors of their own for clients and the broker; see `tests.bench.apart`."""
        return apart(None if self._given else self._node.pid)

    @cached_property
    def limit(self) -> Path:
        """The program in C that does the same work with librabbitmq."""
        program = self.folder / "limit"
        source = HERE / "limit.c"
        command = [compiler(), "-O2", "-Wall", "-o", str(program), str(source), "-lrabbitmq"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing(
                "librabbitmq and its headers", "apt-get install librabbitmq-dev gcc", done.stderr
            )
        return program

    def work(self, library: str, what: str, url: str, *arguments: Any) -> Any:
        """What one library's client tells of its work, done in a process of its own."""
        if library == LIMIT:
            return self.in_c(what, *place(url), *arguments)
        return self.child(f"clients.{CLIENTS[library]}", what, url, *arguments)

    def child(self, module: str, work: str, *arguments: Any) -> Any:
        """What `tests.bench.child` prints for this work, in a process of its own."""
        return json.loads(self.run(*_child(module, work, *arguments)))

    def in_c(self, *arguments: Any) -> Any:
        """What the program in C prints."""
        texts = [str(int(one) if isinstance(one, bool) else one) for one in arguments]
        return json.loads(self.run(str(self.limit), *texts))

    def start(self, module: str, work: str, *arguments: Any) -> Process:
        """The process that does this work, to talk to."""
        return Process(_child(module, work, *arguments), ROOT, self.environment)

    def spent(self, *command: str, folder: Path = ROOT) -> dict[str, float]:
        """Seconds that a command takes, on the clock and of the processor."""
        return spent(command, folder, self.environment)

    def run(self, *command: str) -> str:
        """What a command prints. Raises RuntimeError with all it said when it fails."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=CHILD_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout


def _child(module: str, work: str, *arguments: Any) -> list[str]:
    return [sys.executable, "-m", "tests.bench.child", module, work, json.dumps(arguments)]
