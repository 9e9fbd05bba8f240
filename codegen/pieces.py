"""Cuts generated source into pieces, so that what occurs many times is formatted once.

A module becomes a text with stubs in it: `class cut_here_0: pass` stands for a class, or for some
that follow one another, and so on. Each class is a piece of its own, with stubs for its members,
and each member with stubs for its statements. black sets the same blank lines around a stub as
around what it stands for, and formats a piece as it would in its place; so the pieces, formatted
and put together, are the whole as black would have it.

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
    **dict.fromkeys(
        (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Raise, ast.If, ast.Try),
        "{name}_{number} = 0",
    ),
}
STUB = r"^ *(?:@{name}\n *)?(?:class |def )?{name}_(\d+)(?: = 0|(?:\(\))?:\n +pass)$"

#: Those that black sets apart by blank lines.
DEFINITIONS = ast.ClassDef | ast.FunctionDef

#: What black takes as an order, which may be about more than one piece, and line ends that count
#: for Python but are not ours.
UNCUT = re.compile(r"#\s*(fmt|yapf):|[\r\f]")

#: What may be a body of three dots, around which black sets fewer blank lines; and a definition,
#: around which it sets more, even if it is inside another statement.
DOTS = re.compile(r"\.\.\.")
DOTS_OR_DEFINITION = re.compile(r"\.\.\.|^\s*(?:def|class|async|@)", re.MULTILINE)

INDENT = 4

#: A statement and its lines.
Placed = tuple[ast.stmt, range]


@dataclass(frozen=True)
class Piece:
    """Source to be formatted, with stubs for `runs`, in order.

    `depth` is that of its statements; None if it is the module. `name` is what its stubs are
    called, which occurs nowhere else in it.
    """

    depth: int | None
    text: str
    name: str
    runs: tuple[Run, ...]

    def __iter__(self) -> Iterator[Piece]:
        """The piece and all in it."""
        yield self
        for run in self.runs:
            for part in run.parts:
                yield from part

    def joined(self, formatted: Callable[[Piece], str]) -> str:
        """The piece formatted, with all its parts in their places."""
        text = formatted(self)
        if not self.runs:
            return text
        return re.sub(
            STUB.format(name=self.name),
            lambda stub: self.runs[int(stub[1])].joined(formatted),
            text,
            flags=re.MULTILINE,
        )


@dataclass(frozen=True)
class Run:
    """What a stub stands for: pieces, and the line ends that black sets between them."""

    parts: tuple[Piece, ...]
    between: str

    def joined(self, formatted: Callable[[Piece], str]) -> str:
        """All of it formatted."""
        return self.between.join(part.joined(formatted) for part in self.parts)


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
    """The piece of the lines at `place`, with stubs for what it can of `body`."""
    inner = 0 if depth is None else depth + 1
    text: list[str] = []
    runs: list[Run] = []
    at = place.start
    for run in _runs(_whole_lines(body, lines, place, inner), lines):
        stub = _stub(run[0][0], name, len(runs))
        text += [*lines[at : run[0][1].start], *(" " * INDENT * inner + line for line in stub)]
        runs.append(_run(run, lines, name, inner))
        at = run[-1][1].stop
    return Piece(depth, "\n".join([*text, *lines[at : place.stop]]), name, tuple(runs))


def _run(run: list[Placed], lines: list[str], name: str, depth: int) -> Run:
    """The statements of a run, each as a piece."""
    parts = tuple(_cut(_body(statement), lines, own, name, depth) for statement, own in run)
    blank = (1 if depth else 2) if isinstance(run[0][0], DEFINITIONS) else 0
    return Run(parts, "\n" * (blank + 1))


def _stub(statement: ast.stmt, name: str, number: int) -> list[str]:
    """The lines of a stub; black sets other blank lines before a definition with decorators."""
    stub = STUBS[type(statement)].format(name=name, number=number)
    return [f"@{name}", stub] if getattr(statement, "decorator_list", []) else [stub]


def _body(statement: ast.stmt) -> list[ast.stmt]:
    """The statements inside for which there are to be stubs."""
    return statement.body if isinstance(statement, DEFINITIONS | ast.Try) else []


def _runs(statements: Iterable[Placed], lines: list[str]) -> Iterator[list[Placed]]:
    """Those together that one stub can stand for."""
    run: list[Placed] = []
    for placed in statements:
        if run and not _follows(run[-1], placed, lines):
            yield run
            run = []
        run.append(placed)
    if run:
        yield run


def _follows(one: Placed, other: Placed, lines: list[str]) -> bool:
    """Whether black sets the same lines between two statements wherever they follow so."""
    (first, above), (second, below) = one, other
    if STUBS[type(first)] != STUBS[type(second)]:
        return False
    if isinstance(first, DEFINITIONS):
        return not "".join(lines[above.stop : below.start]).strip()
    return above.stop == below.start


def _whole_lines(
    body: list[ast.stmt], lines: list[str], place: range, depth: int
) -> Iterator[Placed]:
    """The statements that a stub can stand for, and their lines, if they share none with others."""
    for statement, following in zip_longest(body, body[1:]):
        if type(statement) not in STUBS:
            continue
        decorators = getattr(statement, "decorator_list", [])
        start = min(part.lineno for part in (*decorators, statement)) - 1
        stop = statement.end_lineno or place.stop
        begins = (
            statement.col_offset == INDENT * depth and not lines[start][: INDENT * depth].strip()
        )
        ends = following is None or following.lineno > stop
        if begins and ends:
            rest = (lines[at] for at in range(stop, place.stop))
            own = range(start, stop)
            if not (_comments_inside(rest, statement.col_offset) or _odd(statement, lines, own)):
                yield statement, own


def _odd(statement: ast.stmt, lines: list[str], place: range) -> bool:
    """Whether there may be something inside that counts for the blank lines around."""
    odd = DOTS if isinstance(statement, DEFINITIONS) else DOTS_OR_DEFINITION
    return odd.search("\n".join(lines[place.start : place.stop])) is not None


def _comments_inside(lines: Iterable[str], indent: int) -> bool:
    """Whether comments follow that are deeper than a statement, so that they may belong to it."""
    comments = takewhile(re.compile(r"\s*(#|$)").match, lines)
    return any(line.strip() and len(line) - len(line.lstrip()) > indent for line in comments)
