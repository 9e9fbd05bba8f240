"""Tables that many connections have in common, and copies of them for users.

A process with thousands of connections has few servers, and each of them says the same about itself
every time. What is shared is never changed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqpconn_spec._wire import FieldValue, Table


def copied(table: Table) -> Table:
    """A table of its own with the same content."""
    return {name: _copied(value) for name, value in table.items()}


def _copied(value: FieldValue) -> FieldValue:
    if isinstance(value, dict):
        return copied(value)
    return [_copied(each) for each in value] if isinstance(value, list) else value
