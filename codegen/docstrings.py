"""Docstrings of generated classes. Words of a specification pass `prose` on their way in."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from .model import ResolvedMethod
from .parameters import Parameter
from .views import MethodView, ModuleView

WIDTH = 95

#: A word that is too long for a line stays whole: the break could come between two backslashes.
PARAGRAPH = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)
ARGUMENT = textwrap.TextWrapper(
    WIDTH,
    initial_indent="    ",
    subsequent_indent="        ",
    break_long_words=False,
    break_on_hyphens=False,
)


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
    """Label, documentation, direction, replies and origin, then the arguments."""
    method = view.method
    facts = [f"{method.full_name} is {_direction(method)}{_exchange(view, method)}."]
    if method.has_content:
        facts.append("A content follows it.")
    if method.deprecated:
        facts.append("It is deprecated.")
    facts.append(_defined(method.files))
    label = sentence(method.label or f"Method {method.full_name}")
    return _blocks(label, method.doc, " ".join(facts), _arguments(view.parameters))


def properties_docstring(module: ModuleView) -> str:
    """What the class of content properties is about, and each of them."""
    name = module.found.name
    label = f"Properties of a content of class {name}; those that are None are left out."
    parameters = module.properties.parameters if module.properties else ()
    return _blocks(label, "", _defined(module.found.files), _arguments(parameters))


def module_docstring(module: ModuleView) -> str:
    """Label and documentation of the AMQP class."""
    found = module.found
    label = sentence(found.label or f"Class {found.name}")
    facts = f"The methods of class {found.name}, which has number {found.class_id}."
    return _blocks(label, found.doc, facts, "") + "\n"


def _blocks(label: str, doc: str, facts: str, arguments: str) -> str:
    """The parts of a docstring; all but the arguments are still to be wrapped."""
    texts = [label, sentence(doc) if doc else "", facts]
    paragraphs = [PARAGRAPH.fill(text) for text in texts if text]
    return "\n\n".join([*paragraphs, *filter(None, [arguments])])


def _direction(method: ResolvedMethod) -> str:
    if method.sent_by_client and method.sent_by_server:
        return "sent by either side"
    return "sent by the client" if method.sent_by_client else "sent by the server"


def _exchange(view: MethodView, method: ResolvedMethod) -> str:
    """What the method answers and what answers it, as the end of a sentence."""
    owner = method.full_name.partition(".")[0]
    replies = " or ".join(f"{owner}.{name}" for name in method.replies)
    asked = f" to answer {' or '.join(view.requests)}" if view.requests else ""
    return asked + (f", and answered by {replies}" if replies else "")


def _defined(files: tuple[str, ...]) -> str:
    changed = f", changed in {' and '.join(files[1:])}" if files[1:] else ""
    return f"Defined in {files[0]}{changed}."


def _arguments(parameters: Iterable[Parameter]) -> str:
    entries = [
        ARGUMENT.fill(f"{parameter.name}: {sentence(parameter.label or 'No description')}")
        for parameter in parameters
    ]
    return "\n".join(["Args:", *entries]) if entries else ""
