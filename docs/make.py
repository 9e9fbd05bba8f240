"""Writes the pages that come from the code: `make docs`. A test holds them to it."""

from __future__ import annotations

from pathlib import Path

from amqpconn import errors
from amqpconn.core.states import DISCARDING, TRANSITIONS, Role, State

HERE = Path(__file__).parent
ERRORS_INTRODUCTION = """\
Everything that the library raises is an `AMQPError`. This page is made from the classes in
`amqpconn/errors` by `make docs`.

An error's text has three parts: what happened, the likely cause, and what to do. A cause that is a
guess begins with "perhaps". An error that ended an attempt, a connection, a channel or a call also
has the attributes `phase` (the column says where each class can come), `elapsed` (seconds in each
phase), `peer` (the address), `last_in_age_s` and `last_out_age_s` (seconds since the last bytes,
None when there were none), `reply_code`, `reply_text` and `failing_method` (what the peer's close
said, word for word), and `retryable`: whether the same attempt may succeed later without anybody
changing anything. Where a host has several addresses, `attempts` has an error for each, and
`__cause__` is the ExceptionGroup of them.

What a peer closes can be caught by scope (`ChannelClosed`, `ConnectionClosed`) and by reply code
(`NotFound`, ...): the error raised is of both classes.

```python
import amqpconn.sync
from amqpconn.errors import AuthenticationRefused, ConnectionFailed

try:
    with amqpconn.sync.connect("amqp://guest:guest@localhost/") as connection:
        print("open on", connection.server_properties["product"])
except AuthenticationRefused as error:
    print(error.what, error.remedy)  # another attempt changes nothing
except ConnectionFailed as error:
    print("try again" if error.retryable else "do not", error.phase, error.elapsed)
    for attempt in error.attempts:
        print(attempt.peer, attempt)
```"""
STATES_INTRODUCTION = """\
Drawn from the table in `amqpconn/core/states.py` by `make docs`. `<` is received, `>` is sent, `=`
is remembered from the last time ([fast open](connecting-fast.md)). What has no arrow is not
allowed; in the states {discarding} it is dropped."""


def states_page() -> str:
    """The state machine of both sides, drawn from its table."""
    discarding = ", ".join(sorted(f"*{state.value}*" for state in DISCARDING))
    parts = ["# States of a connection", STATES_INTRODUCTION.format(discarding=discarding)]
    for role in Role:
        parts += [f"## The {role.value}", _diagram(role)]
    return "\n\n".join(parts) + "\n"


def _diagram(role: Role) -> str:
    lines, table = ["```mermaid", "stateDiagram-v2"], TRANSITIONS[role]
    lines += [f'    state "{state.value}" as {state.name}' for state in State if state in table]
    lines.append("    [*] --> CLOSED")
    for state, steps in table.items():
        arrows: dict[State, list[str]] = {}
        for step, following in steps.items():
            arrows.setdefault(following, []).append(step.replace("connection.", ""))
        lines += [
            f"    {state.name} --> {following.name}: {', '.join(labels)}"
            for following, labels in arrows.items()
        ]
    return "\n".join([*lines, "```"])


def errors_page() -> str:
    """All errors, with their cause and remedy, from their classes."""
    public = [getattr(errors, name) for name in dir(errors)]  # loads those that come late, too
    tree = _tree(errors.AMQPError, 0)
    rows = [_row(kind, depth) for kind, depth in tree if kind in public]
    parts = [
        "# Errors",
        ERRORS_INTRODUCTION,
        "| error | what happened | likely cause | what to do | phases | retryable |\n"
        "|---|---|---|---|---|---|\n" + "\n".join(rows),
    ]
    return "\n\n".join(parts) + "\n"


def _row(kind: type[errors.AMQPError], depth: int) -> str:
    name = f"{'&nbsp;' * 3 * depth}`{kind.__name__}`"
    cells = (name, _summary(kind), kind.cause, kind.remedy, _phases(kind), _yes(kind.retryable))
    return f"| {' | '.join(cells)} |"


def _phases(kind: type[errors.AMQPError]) -> str:
    """The phases in which it can come, as a range where they follow each other."""
    first = errors.PHASES.index(kind.phases[0]) if kind.phases else 0
    if len(kind.phases) > 2 and errors.PHASES[first : first + len(kind.phases)] == kind.phases:
        return f"{kind.phases[0]} to {kind.phases[-1]}"
    return ", ".join(kind.phases)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _tree(kind: type[errors.AMQPError], depth: int) -> list[tuple[type[errors.AMQPError], int]]:
    """A class and those below it, in the order in which they are drawn."""
    found = [(kind, depth)]
    for below in sorted(kind.__subclasses__(), key=_drawn_at):
        if _parent(below) is kind:
            found += _tree(below, depth + 1)
    return found


def _parent(kind: type[errors.AMQPError]) -> type:
    """Where it is drawn: of several bases the last, which says what it ended."""
    return next(base for base in reversed(kind.__bases__) if issubclass(base, errors.AMQPError))


def _drawn_at(kind: type[errors.AMQPError]) -> int:
    """Its place in the drawing of `amqpconn.errors`; those that are not in it come last."""
    drawing = errors.__doc__ or ""
    return drawing.find(kind.__name__) % (len(drawing) + 1)


def _summary(kind: type[errors.AMQPError]) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())


PAGES = {"states.md": states_page, "errors.md": errors_page}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page())


if __name__ == "__main__":
    main()
