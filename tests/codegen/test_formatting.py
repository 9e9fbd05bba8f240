"""Remembering what black made of a file saves time, and never gives anything else than black."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from codegen import formatting
from codegen.diagnostics import GeneratorError
from codegen.formatting import Formatter

UGLY = "x = {  'a':1 }\n"
NEAT = 'x = {"a": 1}\n'


def no_black(source: str) -> str:
    pytest.fail(f"black was asked for {source!r}")


def test_black_formats_with_a_line_length_of_ours() -> None:
    long = f"value = [{', '.join(['element'] * 10)}]\n"
    assert Formatter().format(UGLY) == NEAT
    assert Formatter().format(long) == long
    assert Formatter().format(long.replace("element", "element_")).count("\n") == 12


def test_what_is_no_python_is_a_defect_of_the_generator() -> None:
    with pytest.raises(GeneratorError, match="gave no valid Python"):
        Formatter().format("def:\n")


def test_what_was_formatted_once_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "new" / "formatted.json"
    first = Formatter(cache)
    assert first.format(UGLY) == NEAT
    first.save()
    monkeypatch.setattr(formatting, "_black", no_black)
    assert Formatter(cache).format(UGLY) == NEAT
    with pytest.raises(pytest.fail.Exception):
        Formatter(cache).format(UGLY + "\n")


def test_it_depends_on_the_version_of_black_and_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "formatted.json"
    first = Formatter(cache)
    first.format(UGLY)
    first.save()
    monkeypatch.setattr(formatting, "_black", lambda _source: "asked again")
    for name, value in (("LINE_LENGTH", 80), ("version", lambda _name: "0.0")):
        with monkeypatch.context() as other:
            other.setattr(formatting, name, value)
            assert Formatter(cache).format(UGLY) == "asked again"
    assert Formatter(cache).format(UGLY) == NEAT


def test_only_so_much_is_remembered_and_what_was_used_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "formatted.json"
    monkeypatch.setattr(formatting, "CAPACITY", 3)
    for sources in (["a\n", "b\n"], ["b\n", "c\n"], ["b\n", "d\n"]):
        run = Formatter(cache)
        for source in sources:
            run.format(source)
        run.save()
    assert list(json.loads(cache.read_text()).values()) == ["c\n", "b\n", "d\n"]


def test_nothing_is_written_when_nothing_is_new(tmp_path: Path) -> None:
    cache = tmp_path / "formatted.json"
    for sources in (["a\n", "b\n"], ["b\n"]):
        run = Formatter(cache)
        for source in sources:
            run.format(source)
        run.save()
    assert list(json.loads(cache.read_text()).values()) == ["a\n", "b\n"]
    Formatter().save()


@pytest.mark.parametrize("contents", ["{", "[]", "\udc80", ""])
def test_a_cache_that_cannot_be_read_is_none(contents: str, tmp_path: Path) -> None:
    cache = tmp_path / "formatted.json"
    cache.write_text(contents, encoding="utf-8", errors="surrogateescape")
    assert Formatter(cache).format(UGLY) == NEAT


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = Formatter(tmp_path / "file" / "formatted.json")
    assert run.format(UGLY) == NEAT
    run.save()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_cache_of_the_command_lies_where_python_keeps_the_generator_compiled() -> None:
    assert formatting.CACHE.parent.name == "__pycache__"
    assert formatting.CACHE.parent.parent == Path(formatting.__file__).parent
    assert version("black") in Formatter()._options
