"""What mypy finds out about calls is what the specification says, and it objects to the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WRONG = """\
from amqpconn_spec.v0_9_1 import basic, connection, queue, registry
import amqpconn.sync

def wrong(endpoint: amqpconn.sync.Endpoint) -> None:
    a: queue.DeleteOk = endpoint.call(queue.Declare(), 1)
    queue.Declare(passiv=True)
    connection.TuneOk("2047")
    basic.Properties(delivery_mode="2")
    b: registry.ServerMethod = basic.Publish()
"""


@pytest.mark.timeout(180)
def test_mypy_knows_replies_and_finds_mistakes(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    examples = ROOT / "tests" / "wire" / "typing_examples.py"
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", ""]
    command += ["--no-incremental", "--cache-dir", os.devnull, "--explicit-package-bases"]
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "generated")))
    result = subprocess.run(
        [*command, str(examples), str(wrong)],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    *found, summary = result.stdout.splitlines()
    errors = [line for line in found if ": error: " in line]
    assert [line.split(":")[:2] for line in errors] == [
        ["wrong.py", str(number)] for number in (5, 6, 7, 8, 9)
    ], result.stdout
    assert summary.startswith("Found 5 errors in 1 file"), result.stdout
