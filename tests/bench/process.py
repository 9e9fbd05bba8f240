"""Programs that are started: to talk to them while they work, or to see what they take."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter
from typing import Self


class Process:
    """A program that runs for the length of a `with` block; then its standard input ends.

    Leaving the block because of an error kills it.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._complaints = TemporaryFile()  # noqa: SIM115 - closed with the block
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )

    def hear(self) -> str:
        """Its next line. Raises RuntimeError with what it complained of when there is none."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._complaints.seek(0)
            complaint = self._complaints.read().decode(errors="replace")
            raise RuntimeError(f"{self._process.args!r} ended:\n{complaint}")
        return line.rstrip("\n")

    def tell(self, line: str = "go on") -> None:
        """Give it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        with self._process, self._complaints:
            pass


def spent(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """Seconds that a program takes from its start to its end. Raises RuntimeError if it fails."""
    began = perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall}
