"""Command line of the generator: `python -m codegen generate`, `check` and `diff`.

Exit status: 0 fine, 1 the files under --output are not what the specification gives (check), or
the new specification breaks something (diff), 2 a specification cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .compat import command as compat
from .diagnostics import GeneratorError, SpecError
from .formatting import CACHE
from .output import differences, write
from .pipeline import PACKAGE, generate

FINE, DRIFT, BAD_SPEC = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run a command; gives the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "diff":
            return _diff(options)
        files = generate(options.spec_dir, CACHE)
        if options.command == "generate":
            return _generate(files, options.output)
        return _check(files, options.output)
    except SpecError as error:
        print(error, file=sys.stderr)
        print(f"problems: {len(error.diagnostics)}; {_nothing(options)}", file=sys.stderr)
    except (OSError, GeneratorError) as error:
        print(f"{error}\n{_nothing(options)}", file=sys.stderr)
    return BAD_SPEC


def _nothing(options: argparse.Namespace) -> str:
    return f"nothing was {'compared' if options.command == 'diff' else 'written'}"


def _diff(options: argparse.Namespace) -> int:
    text, status = compat.run(options)
    if text:
        print(text)
    return status


def _generate(files: dict[str, str], output: Path) -> int:
    changed = write(files, output, PACKAGE)
    for path in changed:
        print(f"{'wrote' if path in files else 'removed'} {output / path}")
    print(f"{len(files)} files, {len(changed)} changed")
    return FINE


def _check(files: dict[str, str], output: Path) -> int:
    report = differences(files, output, PACKAGE)
    for difference in report:
        print(difference)
    if report:
        print(f'{len(report)} files differ; run "make generate"', file=sys.stderr)
        return DRIFT
    print(f"{len(files)} files are up to date")
    return FINE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("generate", "write the package"),
        ("check", "compare the package with what would be written"),
        ("diff", "tell what a new version of a specification changes, and what that breaks"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--spec-dir", type=Path, default=Path("spec"), help="default: %(default)s"
        )
        if name == "diff":
            compat.add_options(command)
            continue
        command.add_argument(
            "--output", type=Path, default=Path("generated"), help="default: %(default)s"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
