"""What is wrong with a specification, and where: collected, so that one run reports all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: What a diagnostic can be about. Each line is what one stage finds.
Rule = Literal[
    # A file cannot be used at all: versions.toml, a specification, an overlay or a schema.
    "missing-file", "manifest", "malformed-xml", "too-large", "doctype",
    "other-schema", "bad-schema",
    # An element or its attributes are not as the vocabulary has them.
    "schema", "unknown-element", "missing-attribute", "bad-name", "bad-number", "bad-value",
    "bad-assert",
    # Elements do not go together.
    "duplicate-name", "duplicate-index", "unknown-type", "unknown-domain", "unknown-response",
    "unknown-chassis", "missing-chassis", "missing-constant",
    # It could not be said in Python.
    "name-collision", "reserved-name", "bit-property",
    # An operation of an overlay cannot be done.
    "overlay-operation", "overlay-reason", "overlay-path", "overlay-target", "overlay-content",
    "overlay-exists",
]  # fmt: skip


@dataclass(frozen=True, order=True)
class Origin:
    """Place in a specification file; line 0 stands for the file as a whole."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True)
class Diagnostic:
    """One thing that is wrong: the place, the rule that it breaks and a sentence about it."""

    origin: Origin
    rule: Rule
    message: str

    def __str__(self) -> str:
        return f"{self.origin}: [{self.rule}] {self.message}"


class SpecError(Exception):
    """A specification cannot be used; `diagnostics` holds every reason that was found."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("\n".join(map(str, diagnostics)))
        self.diagnostics = diagnostics


class GeneratorError(Exception):
    """The generator failed through a defect of its own; the specification may be good."""


@dataclass
class Diagnostics:
    """Collects diagnostics; the stages of the generator add to it and go on as far as they can."""

    found: list[Diagnostic] = field(default_factory=list)
    _known: set[Diagnostic] = field(default_factory=set)

    def add(self, origin: Origin, rule: Rule, message: str) -> None:
        """Note a diagnostic, unless the very same one is there already."""
        diagnostic = Diagnostic(origin, rule, message)
        if diagnostic not in self._known:
            self._known.add(diagnostic)
            self.found.append(diagnostic)

    def stop_if_any(self) -> None:
        """Raise SpecError if there are diagnostics, with all of them by file and line."""
        if self.found:
            raise SpecError(sorted(self.found))
