"""Fuzzes one target with atheris: `python -m tests.fuzz.worker TARGET [arguments of libFuzzer]`.

What is to be instrumented must not be imported before, so this imports nothing but atheris and the
catalogue.
"""

from __future__ import annotations

import sys

import atheris

from tests.fuzz.catalogue import load_check

OURS = ["amqpconn", "amqpconn_spec", "codegen"]


def main() -> None:
    program, target, *arguments = sys.argv
    with atheris.instrument_imports(include=OURS, enable_loader_override=False):
        check = load_check(target)
    atheris.Setup([program, *arguments], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
