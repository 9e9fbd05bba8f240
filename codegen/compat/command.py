"""The subcommand `diff` of the command line."""

from __future__ import annotations

import argparse

from . import find
from .findings import Category
from .report import FORMATS, Report
from .versions import read_sides

COMPATIBLE, BREAKING = 0, 1

SPECIFICATION = (
    "a version in the manifest such as v0_9_1, or the path of a specification;"
    ' "+PATH" behind it, any number of times, applies an overlay'
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Say what `diff` takes besides the options that all subcommands have."""
    command.add_argument("old", metavar="OLD", help=SPECIFICATION)
    command.add_argument("new", metavar="NEW", help="what it is to be replaced by, likewise")
    command.add_argument(
        "--category",
        choices=[category.name for category in Category],
        default=Category.DOC.name,
        help="look only at this category and stricter ones, from WIRE over REPLY and SOURCE to DOC;"
        " the verdict and the exit status are about them. default: %(default)s, which is all",
    )
    command.add_argument(
        "--breaking-only", action="store_true", help="do not show findings that break nothing"
    )
    command.add_argument("--format", choices=FORMATS, default="text", help="default: %(default)s")


def run(options: argparse.Namespace) -> tuple[str, int]:
    """Compare; gives what to print and the exit status.

    Raises:
        SpecError: One of the two cannot be used.
    """
    old, new = read_sides(options.old, options.new, options.spec_dir)
    limit = Category[options.category]
    found = find(old, new)
    shown = [
        finding
        for finding in found
        if finding.rule.category.as_strict_as(limit)
        and (finding.change.breaking or not options.breaking_only)
    ]
    report = Report(old, new, shown, hidden=len(found) - len(shown))
    return FORMATS[options.format](report), BREAKING if report.breaking else COMPATIBLE
