"""Formats source with black, here or in processes that do nothing else.

black takes most of the time of a first run, 0.15 s of it to be imported. Processes of our own, and
not those of multiprocessing, can be started before there is anything to do, whatever threads there
are, and import black alone.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .diagnostics import GeneratorError

ROOT = Path(__file__).parent.parent
LINE_LENGTH = 100

#: How many processes share the work: more than this would import black for too little.
PROCESSES = min(os.cpu_count() or 1, 4)


def blackened(sources: list[str]) -> list[str]:
    """Each source formatted.

    black's own function does it twice, because trailing commas that the first time adds could
    change the second. With magic_trailing_comma off they do not, so once is enough for what the
    templates write: `make lint` has black look at all of it.

    Raises:
        GeneratorError: A source is no valid Python.
    """
    import black  # late: a run that only has to remember is ten times as fast without it
    from black.mode import TargetVersion
    from black.parsing import InvalidInput

    mode = black.Mode(
        target_versions={TargetVersion.PY311},
        line_length=LINE_LENGTH,
        magic_trailing_comma=False,
    )
    try:
        return [black._format_str_once(source, mode=mode) for source in sources]
    except InvalidInput as error:
        raise GeneratorError(f"a template gave no valid Python: {error}") from error


class Processes:
    """Processes that format one list of sources; they run from `start` on."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        """Have the processes ready; they import black at once."""
        command = [sys.executable, "-m", __name__]
        pipe = subprocess.PIPE
        while len(self._running) < PROCESSES:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8"
            )
            self._running.append(process)

    def blackened(self, sources: list[str]) -> list[str]:
        """Each source formatted; the long ones are shared out first, so that no process waits.

        Raises:
            GeneratorError: A source is no valid Python, or a process failed.
        """
        self.start()
        shares: list[list[str]] = [[] for _ in self._running]
        for source in sorted(sources, key=len, reverse=True):
            min(shares, key=lambda share: sum(map(len, share))).append(source)
        with ThreadPoolExecutor(len(shares)) as threads:
            answers = list(threads.map(_answer, self._running, shares))
        self._running = []  # they have ended
        results = {
            source: result
            for share, answer in zip(shares, answers, strict=True)
            for source, result in zip(share, answer, strict=True)
        }
        return [results[source] for source in sources]

    def stop(self) -> None:
        """End those that are still running."""
        for process in self._running:
            process.kill()
            with process:  # waits for the end, and closes the pipes
                pass


def _answer(process: subprocess.Popen[str], sources: list[str]) -> list[str]:
    """What a process makes of sources; it ends then."""
    answer, problems = process.communicate(json.dumps(sources))
    if process.returncode:
        raise GeneratorError(f"black failed: {problems}")
    results: list[str] = json.loads(answer)
    return results


def serve() -> None:
    """What such a process does: sources in, as JSON, and out again when they are formatted."""
    import black  # noqa: F401  # before the sources come

    gc.disable()  # it would go through black's trees again and again, and all live until the end
    json.dump(blackened(json.load(sys.stdin)), sys.stdout)
    gc.freeze()  # nor at the end, for which the generator waits


if __name__ == "__main__":
    serve()
