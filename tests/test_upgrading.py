"""The page about upgrading, followed to the letter in a copy of the repository."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "upgrading.md"
COPIED = ("amqpconn", "codegen", "generated", "spec")


@dataclass(frozen=True)
class Block:
    """A block of the page: its language, what stands behind that, and its text."""

    language: str
    info: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^```(\w+) ?(.*?)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(*groups) for groups in found]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def run(arguments: list[str], copy: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'generated'}",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        arguments, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )


def follow_console(block: Block, copy: Path) -> None:
    """Run each command, and compare what it prints; '...' stands for anything."""
    status = int(block.info.removeprefix("status=") or 0)
    for part in block.text.split("$ ")[1:]:
        command, _, expected = part.partition("\n")
        ended = run(["bash", "-c", command], copy)
        assert ended.returncode == status, ended.stderr
        checker = doctest.OutputChecker()
        assert checker.check_output(expected, ended.stdout, doctest.ELLIPSIS), ended.stdout


def follow(block: Block, copy: Path) -> None:
    if block.language == "console":
        follow_console(block, copy)
    elif block.language == "python":
        ended = run([sys.executable, "-W", "error", "-c", block.text], copy)
        assert ended.returncode == 0, ended.stderr
    else:
        with (copy / block.info).open("a") as file:
            file.write(block.text)


def tree(copy: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(copy)): path.read_bytes()
        for name in ("generated", "spec")
        for path in (copy / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_page_can_be_followed_there_and_back(copy: Path) -> None:
    before = tree(copy)
    for block in blocks():
        follow(block, copy)
    after = tree(copy)
    assert {name: data.rstrip() for name, data in after.items()} == {
        name: data.rstrip() for name, data in before.items()
    }


def test_the_page_has_every_step() -> None:
    assert [block.language for block in blocks()] == [
        "console",
        "xml",
        "toml",
        "console",
        "console",
        "python",
        "console",
    ]
