"""Docstrings of generated classes. Words of a specification pass `prose` on their way in."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from .views import MethodView, ModuleView, Parameter

WIDTH = 95


def prose(text: str) -> str:
    """Text that is safe inside a docstring or comment: one line, printable, nothing to escape."""
    line = " ".join(text.split())
    printable = "".join(letter if letter.isprintable() else "?" for letter in line)
    return printable.replace("\\", "\\\\").replace('"""', "'''")


def sentence(text: str) -> str:
    """The text with a full stop behind it, unless it ends a sentence already."""
    safe = prose(text)
    return safe if safe.endswith((".", "!", "?")) else safe + "."


def method_docstring(view: MethodView) -> str:
    """Name and label, documentation, direction, replies, origin, then the arguments."""
    method = view.method
    label = method.label or "a method without a description"
    retired = " Deprecated." if method.deprecated else ""
    content = " Content follows it." if method.has_content else ""
    blocks = [
        _wrap(f"{method.full_name}: {sentence(label)}"),
        _wrap(sentence(method.doc)) if method.doc else "",
        _wrap(f"{view.direction}{view.answer}.{content}{retired} {_defined(method.files)}"),
        _arguments("Args", view.parameters),
    ]
    return "\n\n".join(block for block in blocks if block)


def properties_docstring(module: ModuleView) -> str:
    """What the class of content properties is about, and each of them."""
    parameters = module.properties.parameters if module.properties else ()
    blocks = [
        _wrap(f"Properties of a content of class {module.found.name}; None leaves one out."),
        _wrap(_defined(module.found.files)),
        _arguments("Args", parameters),
    ]
    return "\n\n".join(block for block in blocks if block)


def module_docstring(module: ModuleView) -> str:
    """Label and documentation of the AMQP class."""
    found = module.found
    label = found.label or "a class without a description"
    first = _wrap(f"Class {found.name}: {sentence(label)}")
    return first + (f"\n\n{_wrap(sentence(found.doc))}\n" if found.doc else "")


def _defined(files: tuple[str, ...]) -> str:
    changed = f", changed in {' and '.join(files[1:])}" if files[1:] else ""
    return f"Defined in {files[0]}{changed}."


def _arguments(title: str, parameters: Iterable[Parameter]) -> str:
    entries = [
        textwrap.fill(
            f"{parameter.name}: {sentence(parameter.label or parameter.annotation)}",
            WIDTH,
            initial_indent="    ",
            subsequent_indent="        ",
            break_on_hyphens=False,
        )
        for parameter in parameters
    ]
    return "\n".join([f"{title}:", *entries]) if entries else ""


def _wrap(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)
