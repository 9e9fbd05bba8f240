"""Applies overlays: explicit changes to a specification, each with a reason, each matching once.

    <add to="class/exchange" after="method/delete-ok" reason="..."> whole elements </add>
    <replace target="class/basic/method/recover" reason="..."> one element </replace>
    <remove target="class/x/method/y" reason="..."/>

Paths alternate kind and name from the root, which is "/".
"""

from __future__ import annotations

from collections.abc import Callable

from .diagnostics import Diagnostics
from .loader import Node, normal

#: What can be addressed by kind and name, by what it can stand in; other elements hold none.
CONTENTS = {
    "amqp": ("constant", "domain", "class"),
    "class": ("chassis", "field", "method"),
    "method": ("chassis", "field", "response"),
}
KINDS = tuple(dict.fromkeys(kind for kinds in CONTENTS.values() for kind in kinds))

Path = tuple[tuple[str, str], ...]
Children = tuple[Node, ...]


def apply(base: Node, overlay: Node, diagnostics: Diagnostics) -> Node:
    """The base with the overlay's operations done in order; those that fail are reported."""
    if overlay.kind != "overlay":
        message = f"the root must be <overlay>, not <{overlay.kind}>"
        diagnostics.add(overlay.origin, "overlay-operation", message)
        return base
    for operation in overlay.children:
        apply_one = _OPERATIONS.get(operation.kind)
        if apply_one is None:
            message = f"unknown operation <{operation.kind}>: use add, replace or remove"
            diagnostics.add(operation.origin, "overlay-operation", message)
            continue
        if not operation.attributes.get("reason", "").strip():
            diagnostics.add(operation.origin, "overlay-reason", "an operation needs a reason")
        base = apply_one(base, operation, diagnostics)
    return base


def _add(base: Node, operation: Node, diagnostics: Diagnostics) -> Node:
    path = _path(operation, "to", diagnostics)
    if path is None or not _fitting(operation, path[-1][0] if path else "amqp", diagnostics):
        return base
    if not operation.children:
        diagnostics.add(operation.origin, "overlay-content", "add needs an element to add")
        return base

    def change(children: Children) -> Children:
        fresh = _fresh(children, operation, diagnostics)
        after = operation.attributes.get("after")
        if after is not None:
            return _put_after(children, fresh, operation, after, diagnostics)
        for kind in dict.fromkeys(new.kind for new in fresh):
            children = _put_last(children, tuple(new for new in fresh if new.kind == kind))
        return children

    return _at(base, path, operation, change, diagnostics)


def _fresh(children: Children, operation: Node, diagnostics: Diagnostics) -> Children:
    """What an operation adds, without what exists already by kind and name."""
    known = {(child.kind, child.name): child for child in reversed(children)}
    for new in operation.children:
        first = known.setdefault((new.kind, new.name), new)
        if first is not new:
            message = f"{new.kind} {new.name!r} exists already, at {first.origin}"
            diagnostics.add(new.origin, "overlay-exists", message)
    return tuple(new for new in operation.children if known[new.kind, new.name] is new)


def _put_last(children: Children, fresh: Children) -> Children:
    """The children with more of one kind behind those of that kind, or behind all."""
    same = [place for place, child in enumerate(children) if child.kind == fresh[0].kind]
    place = same[-1] + 1 if same else len(children)
    return (*children[:place], *fresh, *children[place:])


def _put_after(
    children: Children, fresh: Children, operation: Node, after: str, diagnostics: Diagnostics
) -> Children:
    """The children with more behind the one that is named."""
    step = _steps(after)
    found = [at for at, child in enumerate(children) if ((child.kind, child.name),) == step]
    if len(found) != 1:
        _report_matches(operation, "after", len(found), diagnostics)
        return children
    place = found[0] + 1
    return (*children[:place], *fresh, *children[place:])


def _replace(base: Node, operation: Node, diagnostics: Diagnostics) -> Node:
    path = _path(operation, "target", diagnostics)
    if not path:
        return base
    kind = path[-1][0]
    if len(operation.children) != 1 or operation.children[0].kind != kind:
        message = f"replace needs exactly one <{kind}>"
        diagnostics.add(operation.origin, "overlay-content", message)
        return base
    new = operation.children[0]

    def change(children: Children) -> Children:
        for child in children:
            if (child.kind, child.name) == (kind, new.name) and new.name != path[-1][1]:
                message = f"{kind} {new.name!r} exists already, at {child.origin}"
                diagnostics.add(new.origin, "overlay-exists", message)
                return children
        return tuple(new if (c.kind, c.name) == path[-1] else c for c in children)

    return _at_target(base, path, operation, change, diagnostics)


def _remove(base: Node, operation: Node, diagnostics: Diagnostics) -> Node:
    path = _path(operation, "target", diagnostics)
    if not path:
        return base
    if operation.children:
        diagnostics.add(operation.origin, "overlay-content", "remove takes no elements")

    def change(children: Children) -> Children:
        return tuple(child for child in children if (child.kind, child.name) != path[-1])

    return _at_target(base, path, operation, change, diagnostics)


_OPERATIONS: dict[str, Callable[[Node, Node, Diagnostics], Node]] = {
    "add": _add,
    "replace": _replace,
    "remove": _remove,
}


def _at_target(
    base: Node,
    path: Path,
    operation: Node,
    change: Callable[[Children], Children],
    diagnostics: Diagnostics,
) -> Node:
    """Change the siblings around the target, once it is clear that there is exactly one."""

    def checked(children: Children) -> Children:
        matches = sum((child.kind, child.name) == path[-1] for child in children)
        if matches == 1:
            return change(children)
        _report_matches(operation, "target", matches, diagnostics)
        return children

    return _at(base, path[:-1], operation, checked, diagnostics)


def _at(
    node: Node,
    path: Path,
    operation: Node,
    change: Callable[[Children], Children],
    diagnostics: Diagnostics,
) -> Node:
    """The tree with the children of the element at `path` changed."""
    if not path:
        return node.with_children(change(node.children))
    found = [child for child in node.children if (child.kind, child.name) == path[0]]
    if len(found) != 1:
        attribute = "to" if operation.kind == "add" else "target"
        _report_matches(operation, attribute, len(found), diagnostics)
        return node
    changed = _at(found[0], path[1:], operation, change, diagnostics)
    return node.with_children(tuple(changed if c is found[0] else c for c in node.children))


def _report_matches(
    operation: Node, attribute: str, matches: int, diagnostics: Diagnostics
) -> None:
    path = operation.attributes[attribute]
    message = f"{attribute}={path!r} matches {matches or 'no'} elements; it must match one"
    diagnostics.add(operation.origin, "overlay-target", message)


def _path(operation: Node, attribute: str, diagnostics: Diagnostics) -> Path | None:
    """The steps of an operation's path; () is the root. None after a diagnostic."""
    text = operation.attributes.get(attribute)
    if text is None:
        message = f"<{operation.kind}> needs the attribute {attribute}"
        diagnostics.add(operation.origin, "missing-attribute", message)
        return None
    if text == "/" and attribute == "to":
        return ()
    steps = _steps(text)
    if steps is None:
        message = f"{attribute}={text!r} is no path of kind/name pairs"
        diagnostics.add(operation.origin, "overlay-path", message)
    return steps


def _steps(text: str) -> Path | None:
    parts = [normal(part) for part in text.split("/")]
    steps = tuple(zip(parts[::2], parts[1::2], strict=False))
    if len(parts) % 2 or not all(kind in KINDS and name for kind, name in steps):
        return None
    return steps


def _fitting(operation: Node, parent: str, diagnostics: Diagnostics) -> bool:
    """Whether everything that an operation adds can stand where it adds it."""
    strangers = [new for new in operation.children if new.kind not in CONTENTS.get(parent, ())]
    for new in strangers:
        message = f"<{new.kind}> cannot be added to <{parent}>"
        diagnostics.add(new.origin, "overlay-content", message)
    return not strangers
