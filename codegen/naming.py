"""Makes Python names of names in the XML, and knows the names that generated code needs itself."""

from __future__ import annotations

import builtins
import keyword
import re

#: Lower-case attributes of the generated base classes, and what a constructor calls its object.
ATTRIBUTES = frozenset({"encode", "encode_frame", "decode", "check", "self"})

#: Local names and helpers in the bodies of generated methods.
LOCALS = frozenset(
    "self cls buffer offset end at start length size bits flags channel error parts value data"
    " properties encode_table encode_longstr encode_timestamp decode_table decode_timestamp"
    " timestamp_default".split()
)

#: What a generated class module imports, or defines for contents.
CLASS_NAMES = frozenset({"BaseProperties", "Method", "Properties", "Self", "Struct", "Table"})

#: Modules that every version package has besides those of its classes.
MODULES = frozenset("constants errors frames registry".split())

_NUMBERED = re.compile(r"(bits|flags|length)\d*")


def attribute(name: str) -> str:
    """ "reply-code" -> "reply_code"; "global" -> "global_", as "encode" and its like."""
    python = name.lower().replace("-", "_")
    return python + "_" if keyword.iskeyword(python) or python in ATTRIBUTES else python


def local(python: str) -> str:
    """An attribute's name as a local variable: builtins and helpers get an underscore."""
    taken = python in LOCALS or hasattr(builtins, python) or _NUMBERED.fullmatch(python)
    return python + "_" if taken else python


def class_name(name: str) -> str:
    """ "tune-ok" -> "TuneOk"."""
    python = "".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
    return python + "_" if keyword.iskeyword(python) else python


def module_name(name: str) -> str:
    """ "basic" -> "basic"; a keyword gets an underscore."""
    python = name.lower().replace("-", "_")
    return python + "_" if keyword.iskeyword(python) else python


def constant_name(name: str) -> str:
    """ "frame-end" -> "FRAME_END"."""
    return name.upper().replace("-", "_")
