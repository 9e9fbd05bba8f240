"""Which targets there are, and where their files lie.

corpus/<target>/       inputs to begin with: from a real broker, and what fuzzing found useful
crashes/<target>/      every input that has ever shown a fault; each stays for good
dictionaries/<target>  words that a fuzzer would not guess, in the format of libFuzzer

The ordinary suite replays corpus and crashes (test_replay.py).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

HERE = Path(__file__).parent
#: The longest input by target, in bytes. Short ones find more in the same time.
LONGEST = {
    "tables": 512,
    "methods": 512,
    "frames": 1536,
    "client": 1536,
    "server": 1536,
    "url": 256,
    "spec": 2048,
    "overlay": 1024,
}
TARGETS = tuple(LONGEST)


def load_check(target: str) -> Callable[[bytes], None]:
    """The function that takes an input, and raises when something is wrong with what came of it."""
    check = import_module(f"tests.fuzz.targets.{target}").check
    return cast("Callable[[bytes], None]", check)


def corpus(target: str) -> Path:
    return HERE / "corpus" / target


def crashes(target: str) -> Path:
    return HERE / "crashes" / target


def dictionary(target: str) -> Path:
    return HERE / "dictionaries" / target


def kept(target: str) -> list[Path]:
    """All inputs that are kept, crashes first."""
    return [
        path
        for folder in (crashes(target), corpus(target))
        if folder.is_dir()
        for path in sorted(folder.iterdir())
    ]
