"""How fields appear in the constructors of generated classes."""

from __future__ import annotations

from dataclasses import dataclass

from .model import ResolvedField

#: Python annotation of each wire type.
ANNOTATIONS = {
    "bit": "bool",
    "octet": "int",
    "short": "int",
    "long": "int",
    "longlong": "int",
    "shortstr": "str",
    "longstr": "bytes",
    "timestamp": "datetime",
    "table": "Table",
}

#: Default of each annotation, and what None stands for where that is the default.
DEFAULTS = {"bool": "False", "int": "0", "str": '""', "bytes": 'b""'}
FALLBACKS = {"datetime": "timestamp_default()", "Table": "{}"}


@dataclass(frozen=True)
class Parameter:
    """An argument of a constructor; `fallback` is what None is replaced by, if anything."""

    name: str
    annotation: str
    default: str
    fallback: str
    label: str


def method_parameter(field: ResolvedField) -> Parameter:
    """An argument of a method: left out, it is zero, false or empty."""
    annotation = ANNOTATIONS[field.type]
    if annotation in DEFAULTS:
        return Parameter(field.python, annotation, DEFAULTS[annotation], "", field.label)
    fallback = FALLBACKS[annotation]
    return Parameter(field.python, f"{annotation} | None", "None", fallback, field.label)


def property_parameter(field: ResolvedField) -> Parameter:
    """A content property: left out, it is None."""
    return Parameter(field.python, f"{ANNOTATIONS[field.type]} | None", "None", "", field.label)
