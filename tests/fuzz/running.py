"""One target fuzzed for a while in a process of its own, and what is to be said about it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.catalogue import LONGEST, corpus, crashes, dictionary

#: Where running leaves its own: git does not look there.
SCRATCH = Path(".fuzz")
#: Where the code is that is fuzzed: this tree, whatever else is installed.
SOURCES = (".", "generated")
#: An input may take so long; most take less than a millisecond.
TIMEOUT_S = 10
MEMORY_MB = 1024
#: How long libFuzzer may take to end, beyond the time it was given.
PATIENCE_S = 60
_EXECUTIONS = re.compile(r"^stat::number_of_executed_units:\s+(\d+)", re.MULTILINE)
_WRITTEN = re.compile(r"Test unit written to (\S+)")
# What libFuzzer says besides what is wrong.
_NOISE = (
    *("#", "stat::", "\tNEW_FUNC", "INFO", "WARNING: Failed", "Dictionary", "=="),
    *("SUMMARY", "MS: ", "0x", "artifact_prefix", "Base64"),
)
_PROGRESS = re.compile(r"^#(\d+)\t", re.MULTILINE)


@dataclass
class Run:
    """What came of it. `found` are inputs; `broken` is how it ended when not by time or find."""

    target: str
    executions: int
    found: list[Path]
    broken: str
    log: Path

    def line(self) -> str:
        state = self.broken or f"{len(self.found)} found"
        return f"{self.target:10}{self.executions:12,} executions, {state}"

    def report(self) -> str:
        """What to do next; nothing when nothing was found."""
        if self.broken and not self.found:
            return f"\n{self.target} {self.broken}; the end of {self.log}:\n{_tail(self.log)}"
        return "".join(self._about(path) for path in self.found)

    def _about(self, path: Path) -> str:
        python = f"PYTHONPATH={os.pathsep.join(SOURCES)} {_shown(Path(sys.executable))}"
        folder = _shown(crashes(self.target))
        return (
            f"\n{self.target}: {path} shows a fault; {self.log} ends with:\n{_tail(self.log)}"
            f"  again:    {python} -m tests.fuzz --replay {self.target} {path}\n"
            f"  keep it:  mkdir -p {folder} && cp {path} {folder}/NAME\n"
            "  repair it; the ordinary suite replays what is kept (tests/fuzz/test_replay.py)\n"
        )


def run(target: str, seconds: int) -> Run:
    """Fuzz a target. What it finds useful is added to its corpus in SCRATCH."""
    grown, found = SCRATCH / "corpus" / target, SCRATCH / "found" / target
    for folder in (grown, found):
        folder.mkdir(parents=True, exist_ok=True)
    log = SCRATCH / f"{target}.log"
    with log.open("wb") as output:
        end = _wait(_command(target, seconds, grown, found), output.fileno(), seconds)
    text = log.read_text(errors="replace")
    written = [Path(name) for name in _WRITTEN.findall(text)]
    return Run(target, _executions(text), written, "" if written else end, log)


def _command(target: str, seconds: int, grown: Path, found: Path) -> list[str]:
    words = dictionary(target)
    return [
        *(sys.executable, "-m", "tests.fuzz.worker", target),
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST[target]}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        *([f"-dict={words}"] if words.exists() else []),
        str(grown),
        *(str(folder) for folder in (corpus(target), crashes(target)) if folder.is_dir()),
    ]


def _wait(command: list[str], output: int, seconds: int) -> str:
    """How it ended; nothing when well."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(SOURCES)}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
    ) as process:
        try:
            status = process.wait(seconds + PATIENCE_S)
            return f"ended with status {status}" if status else ""
        except subprocess.TimeoutExpired:
            return f"did not end in {seconds + PATIENCE_S} s"
        finally:
            process.kill()


def _executions(log: str) -> int:
    """How many there were; a run that ends early says no more than its last progress."""
    final = _EXECUTIONS.search(log)
    return int(final[1]) if final else max(map(int, _PROGRESS.findall(log)), default=0)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    wanted = [line for line in lines if not line.startswith(_NOISE)]
    return "".join(f"    {line}\n" for line in wanted[-25:])


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
