"""Command line of the generator: `python -m codegen generate`, `check` and `diff`.

Exit status: 0 fine, 1 the files under --output are not what the specification gives (check), or
the new specification breaks something (diff), 2 a specification cannot be used.
"""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

from . import places, repeats
from .places import PACKAGE

FINE, DRIFT, BAD_SPEC = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run a command; gives the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser(given).parse_args(given)
    if options.command == "generate" and _is_done(options):
        return FINE
    return _run(options)


def _is_done(options: argparse.Namespace) -> bool:
    """Whether everything is as an earlier run left it. What takes its time is not loaded yet."""
    try:
        files = places.read(options.output, PACKAGE)
        made = repeats.state(repeats.inputs(options.spec_dir), files)
    except OSError:
        return False  # the run tells what cannot be read
    done = repeats.is_known(made, _states())
    if done:
        print(f"{len(files)} files, 0 changed")
    return done


def _states() -> Path:
    """The file of the states in which earlier runs ended."""
    return places.CACHE.with_stem("states")


def _run(options: argparse.Namespace) -> int:
    from .diagnostics import GeneratorError, SpecError
    from .pipeline import generate

    try:
        if options.command == "diff":
            return _diff(options)
        before = repeats.inputs(options.spec_dir)
        files = generate(options.spec_dir, places.CACHE)
        if options.command == "generate":
            return _generate(files, options, before)
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
    from .compat import command

    text, status = command.run(options)
    if text:
        print(text)
    return status


def _generate(files: dict[str, str], options: argparse.Namespace, before: str) -> int:
    from .output import write

    changed = write(files, options.output, PACKAGE)
    for path in changed:
        print(f"{'wrote' if path in files else 'removed'} {options.output / path}")
    print(f"{len(files)} files, {len(changed)} changed")
    if repeats.inputs(options.spec_dir) == before:  # nobody has changed them meanwhile
        made = repeats.state(before, places.read(options.output, PACKAGE))
        repeats.keep(made, _states())
    return FINE


def _check(files: dict[str, str], output: Path) -> int:
    from .output import differences

    report = differences(files, output, PACKAGE)
    for difference in report:
        print(difference)
    if report:
        print(f'{len(report)} files differ; run "make generate"', file=sys.stderr)
        return DRIFT
    print(f"{len(files)} files are up to date")
    return FINE


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
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
            if name in arguments:  # what they are made from takes its time to load
                from .compat.command import add_options

                add_options(command)
            continue
        command.add_argument(
            "--output", type=Path, default=Path("generated"), help="default: %(default)s"
        )
    return parser


if __name__ == "__main__":
    gc.disable()  # nearly all that a run makes lives until its end
    sys.exit(main())
