"""Tells what a new version of a specification breaks, and for whom: `python -m codegen diff`.

    versions      two names or paths -> two specifications, written and resolved
    comparison    what in one is what in the other: parts.py pairs them up with matching.py
    rules         the table of rules; their functions are in the modules that end in _rules
    report        findings -> text, JSON or annotations for a review

A finding has a category, from strict to lax: WIRE, bytes change or are read otherwise; REPLY,
answers or directions change; SOURCE, Python names, signatures or values of the generated package
change; DOC, labels and docs change. It is breaking when peers of the two versions, or code that
uses the package, can fail because of it. So a new method is found and breaks nothing.

Wire compatible means: every frame that the old code writes the new code reads, with the same values
for all fields that both have; and the new code, as long as it uses nothing new, writes the same
frames as the old one. Whatever violates that is in category WIRE.
"""

from __future__ import annotations

from .comparison import compare
from .findings import Category, Finding
from .rules import RULES
from .versions import Side, read_sides

__all__ = ["Category", "Finding", "Side", "find", "read_sides"]


def find(old: Side, new: Side) -> list[Finding]:
    """All differences: by what they are about, as a specification is read, then by strictness."""
    both = compare(old, new)
    found = [Finding(rule, change) for rule in RULES for change in rule.find(both)]
    return sorted(found, key=lambda finding: finding.change.subject)
