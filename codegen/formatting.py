"""Formats generated modules as black would, in a fraction of black's time.

Pieces that occur more than once are formatted once (pieces.py), several processes share the work
(blackening.py), and later runs remember the results (memory.py): of whole modules, so that a run
without changes does nothing, and of pieces, so that a change costs what it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Self

from . import blackening
from .blackening import Processes, blackened
from .memory import remembered
from .pieces import INDENT, Piece, cut, free_name

#: How many modules and pieces are remembered: several times what one run makes.
MODULES, PIECES = 200, 10_000

#: From how many characters on it pays to start processes.
MUCH = 100_000

#: How many characters black is given at once, roughly: each call takes some time by itself.
BATCH = 8_000

#: What members of a class are formatted in, so that lines have the length that they will have.
CLASS = "class Members:\n"


class Formatter:
    """Formats modules, and remembers what came out in a file, if it is given one.

    Where there is no such file yet there is much to do, so processes get ready for it at once.
    They end with the `with` block.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache
        self._processes = Processes()

    def __enter__(self) -> Self:
        if self._cache is not None and not self._cache.exists():
            self._processes.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._processes.stop()

    def formatted(self, sources: dict[str, str]) -> dict[str, str]:
        """Each source as black would have it, by path.

        Raises:
            GeneratorError: A source is no valid Python, or black failed.
        """
        modules = remembered(
            sources.values(), self._modules, file=self._cache, options=_options(), capacity=MODULES
        )
        return {path: modules[source] for path, source in sources.items()}

    def _modules(self, sources: list[str]) -> list[str]:
        """Modules formatted, piece by piece."""
        modules = [cut(source) for source in sources]
        pieces = {_key(piece): piece for module in modules for piece in module}
        results = remembered(
            pieces,
            lambda keys: self._pieces([pieces[key] for key in keys]),
            file=self._cache and self._cache.with_stem(f"{self._cache.stem}-pieces"),
            options=_options(),
            capacity=PIECES,
        )
        return [module.joined(lambda piece: results[_key(piece)]) for module in modules]

    def _pieces(self, pieces: list[Piece]) -> list[str]:
        """Pieces formatted; by processes of their own when there are many."""
        mark = "# " + free_name("next_piece", "".join(piece.text for piece in pieces))
        batches = list(_batches(pieces))
        sources = [_together(batch, mark) for batch in batches]
        much = sum(map(len, sources)) >= MUCH
        formatted = (self._processes.blackened if much else blackened)(sources)
        results: dict[str, str] = {}
        for batch, text in zip(batches, formatted, strict=True):
            results.update(zip(map(_key, batch), _apart(text, mark), strict=True))
        return [results[_key(piece)] for piece in pieces]


def _options() -> str:
    return f"black {version('black')}, line length {blackening.LINE_LENGTH}"


def _key(piece: Piece) -> str:
    """What the result of a piece is remembered by."""
    return f"{piece.depth}\n{piece.text}"


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pieces of the same depth together, so many that it pays to call black; modules stay alone."""
    batches: dict[int | None, list[Piece]] = {}
    for piece in pieces:
        batch = batches.setdefault(piece.depth, [])
        batch.append(piece)
        if piece.depth is None or sum(len(piece.text) for piece in batch) >= BATCH:
            yield batches.pop(piece.depth)
    yield from batches.values()


def _together(batch: list[Piece], mark: str) -> str:
    """The source of a batch, with a comment before each piece."""
    depth = batch[0].depth
    if depth is None:
        return batch[0].text
    indents = [" " * INDENT * outer for outer in range(depth + 1)]
    head = "".join(f"{indent}{CLASS}" for indent in indents[:-1])
    return head + "".join(f"{indents[-1]}{mark}\n{piece.text}\n" for piece in batch)


def _apart(text: str, mark: str) -> list[str]:
    """The pieces of a formatted batch, without the blank lines around them."""
    head, *pieces = text.split(f"{mark}\n")
    return [piece.rstrip().strip("\n") for piece in pieces] or [head]
