"""Names for the bound methods of compiled structs, which say their format: PACK_HIH, READ_QB.

A module that uses such a name gets the definition from render.py.
"""

from __future__ import annotations

#: What the two kinds of name stand for.
METHODS = {"PACK": "pack", "READ": "unpack_from"}


def pack_name(format_: str) -> str:
    """Name of what packs this big-endian format, e.g. "HIH"."""
    return f"PACK_{format_}"


def read_name(format_: str) -> str:
    """Name of what unpacks this big-endian format, e.g. "HIH"."""
    return f"READ_{format_}"


def definitions(used: set[str]) -> list[tuple[str, str, str]]:
    """Name, format and bound method of each struct among the names that some code uses."""
    names = sorted(name for name in used if name.partition("_")[0] in METHODS)
    parts = [(name, *name.split("_", 1)) for name in names]
    return [(name, f">{format_}", METHODS[kind]) for name, kind, format_ in parts]
