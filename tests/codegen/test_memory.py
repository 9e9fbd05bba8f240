"""Results of earlier runs are kept as long as there is room, and never get in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codegen.memory import remembered


class Upper:
    """Makes results, and remembers what it was asked for."""

    def __init__(self, file: Path | None, options: str = "", capacity: int = 9) -> None:
        self.file = file
        self.options = options
        self.capacity = capacity
        self.asked: list[str] = []

    def __call__(self, texts: str) -> dict[str, str]:
        return remembered(
            texts, self.make, file=self.file, options=self.options, capacity=self.capacity
        )

    def make(self, texts: list[str]) -> list[str]:
        self.asked += texts
        return [text.upper() for text in texts]

    @property
    def kept(self) -> list[str]:
        assert self.file is not None
        return list(json.loads(self.file.read_text()).values())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new" / "results.json"


def test_what_was_made_once_is_not_made_again(file: Path) -> None:
    upper = Upper(file)
    assert upper("aba") == {"a": "A", "b": "B"}
    assert upper("bc") == {"b": "B", "c": "C"}
    assert upper.asked == ["a", "b", "c"]


def test_without_a_file_everything_is_made() -> None:
    upper = Upper(None)
    assert upper("ab") == upper("ab") == {"a": "A", "b": "B"}
    assert upper.asked == ["a", "b", "a", "b"]


def test_other_options_give_other_results(file: Path) -> None:
    Upper(file)("a")
    other = Upper(file, "options")
    other("a")
    assert other.asked == ["a"]


def test_only_so_much_is_kept_and_what_was_used_last(file: Path) -> None:
    upper = Upper(file, capacity=3)
    for texts in ("ab", "bc", "bd"):
        upper(texts)
    assert upper.kept == ["C", "B", "D"]


def test_more_than_is_kept_is_made_all_the_same(file: Path) -> None:
    upper = Upper(file, capacity=1)
    assert upper("abc") == {"a": "A", "b": "B", "c": "C"}
    assert upper.kept == ["C"]


def test_nothing_is_written_when_nothing_is_new(file: Path) -> None:
    upper = Upper(file)
    upper("ab")
    written = file.stat().st_mtime_ns
    assert upper("b") == {"b": "B"}
    assert upper("") == {}
    assert file.stat().st_mtime_ns == written
    assert [path.name for path in file.parent.iterdir()] == ["results.json"]


@pytest.mark.parametrize("contents", ["{", "[]", "\udc80", ""])
def test_a_file_that_cannot_be_read_is_none(contents: str, file: Path) -> None:
    file.parent.mkdir()
    file.write_text(contents, encoding="utf-8", errors="surrogateescape")
    upper = Upper(file)
    assert upper("a") == {"a": "A"}
    assert upper.kept == ["A"]


def test_a_file_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Upper(tmp_path / "file" / "results.json")("a") == {"a": "A"}
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
