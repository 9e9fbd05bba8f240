"""Sharing and remembering the work of black saves time, and gives nothing else than black does."""

from __future__ import annotations

import json
from pathlib import Path

import black
import pytest

from codegen import formatting
from codegen.diagnostics import GeneratorError
from codegen.formatting import formatted
from codegen.pipeline import unformatted
from tests.codegen.specs import write

UGLY = "x = {  'a':1 }\n"
NEAT = 'x = {"a": 1}\n'


def no_black(source: str) -> str:
    pytest.fail(f"black was asked for {source!r}")


def test_black_formats_with_a_line_length_of_ours() -> None:
    fits = f"value = [{', '.join(['element'] * 10)}]\n"
    wider = fits.replace("element", "element_")
    result = formatted({"a": UGLY, "b": fits, "c": wider})
    assert (result["a"], result["b"]) == (NEAT, fits)
    assert result["c"].count("\n") == 12


def test_once_is_enough(tmp_path: Path) -> None:
    """black formats twice what it changed; see _black."""
    mode = black.Mode(
        target_versions={black.mode.TargetVersion.PY311},
        line_length=100,
        magic_trailing_comma=False,
    )
    files = unformatted(write(tmp_path))
    sources = {path: text for path, text in files.items() if "/lamp_1/" in path}
    result = formatted(sources)
    assert any(result[path] != sources[path] for path in sources)
    assert result == {path: black.format_str(text, mode=mode) for path, text in sources.items()}


def test_much_work_is_shared_by_processes_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = {f"{number}.py": f"x = [{number}]; y={number}\n" * number for number in range(1, 9)}
    alone = formatted(sources)
    monkeypatch.setattr(formatting, "MUCH", 1)
    assert formatted(sources) == alone
    assert list(formatted(sources)) == list(sources)


@pytest.mark.parametrize("much", [1, 1_000_000])
def test_what_is_no_python_is_a_defect_of_the_generator(
    much: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formatting, "MUCH", much)
    with pytest.raises(GeneratorError, match="gave no valid Python"):
        formatted({"good": NEAT, "bad": "def:\n"})


def test_what_was_formatted_once_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "new" / "formatted.json"
    assert formatted({"a": UGLY}, cache) == {"a": NEAT}
    monkeypatch.setattr(formatting, "_black", no_black)
    assert formatted({"b": UGLY, "c": UGLY}, cache) == {"b": NEAT, "c": NEAT}
    for path in (None, cache, tmp_path / "other.json"):
        with pytest.raises(pytest.fail.Exception):
            formatted({"a": UGLY + "\n" * (path == cache)}, path)


def test_it_depends_on_the_version_of_black_and_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "formatted.json"
    formatted({"a": UGLY}, cache)
    monkeypatch.setattr(formatting, "_black", lambda _source: "asked again")
    assert formatted({"a": UGLY}, cache) == {"a": NEAT}
    monkeypatch.setattr(formatting, "LINE_LENGTH", 80)
    assert formatted({"a": UGLY}, cache) == {"a": "asked again"}
    monkeypatch.setattr(formatting, "version", lambda name: f"0.0 of {name}")
    monkeypatch.setattr(formatting, "_black", lambda _source: "and again")
    assert formatted({"a": UGLY}, cache) == {"a": "and again"}


def remembered(cache: Path) -> list[str]:
    return list(json.loads(cache.read_text()).values())


def test_only_so_much_is_remembered_and_what_was_used_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "formatted.json"
    monkeypatch.setattr(formatting, "CAPACITY", 3)
    for names in ("ab", "bc", "bd"):
        formatted({name: f"{name}\n" for name in names}, cache)
    assert remembered(cache) == ["c\n", "b\n", "d\n"]


def test_nothing_is_written_when_nothing_is_new(tmp_path: Path) -> None:
    cache = tmp_path / "formatted.json"
    formatted({"a": "a\n", "b": "b\n"}, cache)
    written = cache.stat().st_mtime_ns
    assert formatted({"b": "b\n"}, cache) == {"b": "b\n"}
    assert formatted({}, cache) == {}
    assert cache.stat().st_mtime_ns == written
    assert [path.name for path in tmp_path.iterdir()] == ["formatted.json"]


@pytest.mark.parametrize("contents", ["{", "[]", "\udc80", ""])
def test_a_cache_that_cannot_be_read_is_none(contents: str, tmp_path: Path) -> None:
    cache = tmp_path / "formatted.json"
    cache.write_text(contents, encoding="utf-8", errors="surrogateescape")
    assert formatted({"a": UGLY}, cache) == {"a": NEAT}
    assert remembered(cache) == [NEAT]


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert formatted({"a": UGLY}, tmp_path / "file" / "formatted.json") == {"a": NEAT}
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_cache_of_the_command_lies_where_python_keeps_the_generator_compiled() -> None:
    assert formatting.CACHE.parent.name == "__pycache__"
    assert formatting.CACHE.parent.parent == Path(formatting.__file__).parent
