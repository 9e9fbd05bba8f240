"""`cast` without importing typing at run time, which costs more than the rest of the core."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import cast as cast
else:

    def cast(_kind, value):
        """`value`, which the type checker is to take for a `_kind`."""
        return value
