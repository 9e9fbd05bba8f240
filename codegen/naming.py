"""Makes Python names of names in the XML, and knows the names that generated code needs itself."""

from __future__ import annotations

import builtins
import keyword
import re

#: Lower-case attributes of the generated base classes, and names that a constructor itself needs.
ATTRIBUTES = frozenset({"encode", "encode_frame", "decode", "check", "self", "timestamp_default"})

#: Local names and helpers in the bodies of generated methods.
LOCALS = frozenset(
    "self cls buffer offset end at start length size bits flags channel error parts value data"
    " properties encode_table encode_longstr encode_timestamp decode_table decode_timestamp"
    " timestamp_default".split()
)

#: What a generated class module imports, or defines for contents.
CLASS_NAMES = frozenset({"BaseProperties", "Method", "Properties", "Self", "Struct", "Table"})

#: Modules that every version package has besides those of its classes.
MODULES = frozenset("constants decoding errors frames registry".split())

#: Functions in the registry, which imports the modules of all classes.
FUNCTIONS = frozenset({"decode_header", "decode_method"})

_NUMBERED = re.compile(r"(bits|flags|length)\d*")


def attribute(name: str) -> str:
    """Attribute for a field: reply_code for "reply-code".

    Keywords and the attributes of the base classes get an underscore: global_, encode_.
    """
    python = _snake(name)
    return python + "_" if keyword.iskeyword(python) or python in ATTRIBUTES else python


def local(python: str) -> str:
    """Local variable for an attribute; builtins and helpers get an underscore: len_, offset_."""
    taken = python in LOCALS or hasattr(builtins, python) or _NUMBERED.fullmatch(python)
    return python + "_" if taken else python


def class_name(name: str) -> str:
    """Class for a method: TuneOk for "tune-ok".

    Keywords, builtins and what the module imports get an underscore: None_, Table_.
    """
    python = "".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
    return python + "_" if hasattr(builtins, python) or python in CLASS_NAMES else python


def module_name(name: str) -> str:
    """Module for a class: basic for "basic".

    Keywords and the functions beside it in the registry get an underscore: import_, decode_method_.
    """
    python = _snake(name)
    return python + "_" if keyword.iskeyword(python) or python in FUNCTIONS else python


def constant_name(name: str) -> str:
    """Name for a constant: FRAME_END for "frame-end"."""
    return _snake(name).upper()


def _snake(name: str) -> str:
    return name.lower().replace("-", "_")
