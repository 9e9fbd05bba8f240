"""What the comparison says about real pairs of specifications, word for word.

A file in golden/ changes with the words of the rules and with the lines of spec/. After such a
change write the files anew, and read the difference as the users of `make diff` would:

    PYTHONPATH=. .venv/bin/python -m tests.codegen.test_compat_golden
    git diff tests/codegen/golden
"""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.compat import find, read_sides
from codegen.compat.report import Report, as_text
from tests.codegen.published import PUBLISHED, published

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
EXTENDED = "0-9-1-rabbit/amqp0-9-1.stripped.extended.xml"

PAIRS = {
    "0-8-to-0-9": ("spec/amqp0-8.xml", "spec/amqp0-9.xml+spec/corrections-0-9.overlay.xml"),
    "0-9-to-0-9-1": (
        "spec/amqp0-9.xml+spec/corrections-0-9.overlay.xml",
        "spec/amqp0-9-1.xml",
    ),
    "0-9-1-to-rabbitmq": (
        "spec/amqp0-9-1.xml",
        "spec/amqp0-9-1.xml+spec/rabbitmq.overlay.xml",
    ),
    "ours-to-published": ("v0_9_1", str(PUBLISHED / EXTENDED)),
}


def report(name: str) -> str:
    """The text for a pair, with paths as seen from the root of the repository."""
    old, new = read_sides(*PAIRS[name], Path("spec"))
    return as_text(Report(old, new, find(old, new))) + "\n"


@pytest.mark.parametrize("name", PAIRS)
def test_real_pairs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if str(PUBLISHED) in PAIRS[name][1]:
        published(EXTENDED)
    monkeypatch.chdir(ROOT)
    assert report(name) == (GOLDEN / f"{name}.txt").read_text("utf-8")


if __name__ == "__main__":
    for each in PAIRS:
        (GOLDEN / f"{each}.txt").write_text(report(each), "utf-8")
