"""Cuts generated source into pieces, so that what occurs many times is formatted once.

A module becomes a text with stubs in it: `class cut_here_0: pass` stands for a class, and so on.
The class is a piece of its own, with stubs for its members. black sets the same blank lines around
a stub as around what it stands for, and formats a piece as it would in its place; so the pieces,
formatted and put together, are the whole as black would have it.

The docstring of a class stays in the class. The versions share few of them, as they name files.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile, zip_longest

from .diagnostics import GeneratorError

#: The stubs, by what they stand for. Other statements stay where they are.
STUBS: dict[type[ast.stmt], str] = {
    ast.ClassDef: "class {name}_{number}: pass",
    ast.FunctionDef: "def {name}_{number}(): pass",
    ast.Assign: "{name}_{number} = 0",
    ast.AnnAssign: "{name}_{number} = 0",
}
STUB = r"^ *(?:class |def )?{name}_(\d+)(?: = 0|(?:\(\))?:\n +pass)$"

#: What black takes as an order, which may be about more than one piece, and line ends that count
#: for Python but are not ours.
UNCUT = re.compile(r"#\s*(fmt|yapf):|[\r\f]")

INDENT = 4


@dataclass(frozen=True)
class Piece:
    """Source to be formatted, with stubs for `parts`, in order.

    `depth` is that of its statements, 0 or 1; None if it is the module. `name` is what its stubs
    are called, which occurs nowhere else in it.
    """

    depth: int | None
    text: str
    name: str
    parts: tuple[Piece, ...]

    def __iter__(self) -> Iterator[Piece]:
        """The piece and all in it."""
        yield self
        for part in self.parts:
            yield from part

    def joined(self, formatted: Callable[[Piece], str]) -> str:
        """The piece formatted, with all its parts in their places."""
        return re.sub(
            STUB.format(name=self.name),
            lambda stub: self.parts[int(stub[1])].joined(formatted),
            formatted(self),
            flags=re.MULTILINE,
        )


def cut(source: str) -> Piece:
    """The module as pieces.

    Raises:
        GeneratorError: The source is no valid Python.
    """
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise GeneratorError(f"a template gave no valid Python: {error}") from error
    name = free_name("cut_here", source)
    if UNCUT.search(source):
        return Piece(None, source, name, ())
    lines = source.split("\n")
    return _cut(module.body, lines, range(len(lines)), name, None)


def free_name(name: str, source: str) -> str:
    """The name, or one like it that does not occur in the source."""
    while name in source:
        name += "_"
    return name


def _cut(
    body: list[ast.stmt], lines: list[str], place: range, name: str, depth: int | None
) -> Piece:
    """The piece of the lines at `place`, whose statements are `body`."""
    inner = 0 if depth is None else depth + 1
    text: list[str] = []
    parts: list[Piece] = []
    at = place.start
    for statement, own in _runs(_whole_lines(body, lines, place)):
        members = statement.body if isinstance(statement, ast.ClassDef) and not inner else []
        parts.append(_cut(members, lines, own, name, inner))
        stub = STUBS[type(statement)].format(name=name, number=len(parts) - 1)
        text += [*lines[at : own.start], " " * INDENT * inner + stub]
        at = own.stop
    return Piece(depth, "\n".join([*text, *lines[at : place.stop]]), name, tuple(parts))


def _runs(statements: Iterator[tuple[ast.stmt, range]]) -> Iterator[tuple[ast.stmt, range]]:
    """The same with assignments that follow one another at once as one."""
    runs: list[tuple[ast.stmt, range]] = []
    for statement, own in statements:
        if runs and own.start == runs[-1][1].stop and _assigns(statement) and _assigns(runs[-1][0]):
            runs[-1] = (statement, range(runs[-1][1].start, own.stop))
        else:
            runs.append((statement, own))
    return iter(runs)


def _assigns(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign | ast.AnnAssign)


def _whole_lines(
    body: list[ast.stmt], lines: list[str], place: range
) -> Iterator[tuple[ast.stmt, range]]:
    """The statements that a stub can stand for, and their lines, if they share none with others."""
    for statement, following in zip_longest(body, body[1:]):
        decorators = getattr(statement, "decorator_list", [])
        start = min(part.lineno for part in (*decorators, statement)) - 1
        stop = statement.end_lineno or place.stop
        begins = not lines[start][: statement.col_offset].strip()
        ends = following is None or following.lineno > stop
        if type(statement) in STUBS and begins and ends:
            rest = (lines[at] for at in range(stop, place.stop))
            own = range(start, stop)
            if not (_comments_inside(rest, statement.col_offset) or _ellipsis(lines, own)):
                yield statement, own


def _ellipsis(lines: list[str], place: range) -> bool:
    """Whether there may be a body of three dots, around which black sets fewer blank lines."""
    return any("..." in lines[at] for at in place)


def _comments_inside(lines: Iterable[str], indent: int) -> bool:
    """Whether comments follow that are deeper than a statement, so that they may belong to it."""
    comments = takewhile(re.compile(r"\s*(#|$)").match, lines)
    return any(line.strip() and len(line) - len(line.lstrip()) > indent for line in comments)
