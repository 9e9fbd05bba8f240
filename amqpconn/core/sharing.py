"""Tables that are alike in many connections, kept once for all of them.

A process with thousands of connections has few servers, and each of them says the same about itself
every time. What is shared is never changed; users get copies.
"""

from __future__ import annotations

from marshal import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from amqpconn_spec._wire import FieldValue, Table

# A server that says something else every time costs no more memory than this many tables.
MOST: Final = 64
# Without references to what has come before: equal tables have equal bytes then, and 1 is not True.
_PLAIN: Final = 2

_tables: dict[bytes, Table] = {}


def shared(table: Table) -> Table:
    """The table with this very content that others have already; this one if it is the first."""
    try:
        content = dumps(table, _PLAIN)
    except ValueError:  # it has a decimal or a timestamp in it, which no server has there
        return table
    if len(_tables) >= MOST and content not in _tables:
        _tables.clear()
    return _tables.setdefault(content, table)


def copied(table: Table) -> Table:
    """A table of its own with the same content."""
    return {name: _copied(value) for name, value in table.items()}


def _copied(value: FieldValue) -> FieldValue:
    if isinstance(value, dict):
        return copied(value)
    return [_copied(each) for each in value] if isinstance(value, list) else value
