"""Sharing and remembering the work of black saves time, and gives nothing else than black does."""

from __future__ import annotations

import gc
import io
import json
import subprocess
import sys
from pathlib import Path

import black
import pytest

from codegen import blackening, formatting, places
from codegen.diagnostics import GeneratorError, SpecError
from codegen.formatting import Formatter
from codegen.pipeline import generate, unformatted
from tests.codegen.specs import changed, write

UGLY = "x = {  'a':1 }\n"
NEAT = 'x = {"a": 1}\n'


def formatted(sources: dict[str, str], cache: Path | None = None) -> dict[str, str]:
    with Formatter(cache) as formatter:
        return formatter.formatted(sources)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What black is given in this process."""
    sources: list[str] = []
    blackened = blackening.blackened

    def noted(texts: list[str]) -> list[str]:
        sources.extend(texts)
        return blackened(texts)

    monkeypatch.setattr(formatting, "blackened", noted)
    return sources


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """The processes that were started."""
    found: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def noted(*arguments: object, **options: object) -> subprocess.Popen[str]:
        process: subprocess.Popen[str] = popen(*arguments, **options)  # type: ignore[call-overload]
        found.append(process)
        return process

    monkeypatch.setattr(subprocess, "Popen", noted)
    return found


# --- black ---


def test_black_formats_with_a_line_length_of_ours() -> None:
    fits = f"value = [{', '.join(['element'] * 10)}]\n"
    wider = fits.replace("element", "element_")
    result = formatted({"a": UGLY, "b": fits, "c": wider})
    assert (result["a"], result["b"]) == (NEAT, fits)
    assert result["c"].count("\n") == 12


def test_what_is_in_a_class_has_the_same_line_length() -> None:
    fits = f"class A:\n    value = [{'element, ' * 9}x2345]\n"
    assert max(map(len, fits.splitlines())) == 100
    result = formatted({"a": fits, "b": fits.replace("x2345", "x23456")})
    assert result["a"] == fits
    assert max(map(len, result["b"].splitlines())) < 100


def test_once_is_enough(tmp_path: Path) -> None:
    """black formats twice what it changed; see blackened."""
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


# --- Processes ---


def test_much_work_is_shared_by_processes_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch, given: list[str]
) -> None:
    sources = {f"{number}.py": f"x = [{number}]; y={number}\n" * number for number in range(1, 9)}
    alone = formatted(sources)
    assert given
    given.clear()
    monkeypatch.setattr(formatting, "MUCH", 1)
    assert formatted(sources) == alone
    assert list(formatted(sources)) == list(sources)
    assert not given


def test_they_are_ready_before_the_work_is_when_nothing_is_remembered(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    cache = tmp_path / "formatted.json"
    with Formatter(cache):
        assert len(started) == blackening.PROCESSES
        assert {process.poll() for process in started} == {None}
    assert None not in {process.poll() for process in started}
    started.clear()
    formatted({"a": UGLY})
    cache.write_text("{}")
    formatted({"a": UGLY}, cache)
    assert not started


def test_they_end_when_the_specification_turns_out_to_be_wrong(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    spec = write(tmp_path / "spec", changed('type="octet"', 'type="octave"'))
    with pytest.raises(SpecError):
        generate(spec, tmp_path / "formatted.json")
    assert started
    assert None not in {process.poll() for process in started}


def test_a_formatter_can_be_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting, "MUCH", 1)
    with Formatter() as formatter:
        for _ in range(2):
            assert formatter.formatted({"a": UGLY}) == {"a": NEAT}


@pytest.mark.parametrize("much", [1, 1_000_000])
def test_what_black_refuses_is_a_defect_of_the_generator(
    much: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own parser comes first, so this takes something that is added behind it."""
    monkeypatch.setattr(formatting, "MUCH", much)
    monkeypatch.setattr(formatting, "CLASS", "def:\n")
    with pytest.raises(GeneratorError, match="gave no valid Python: cannot parse for target"):
        formatted({"good": NEAT, "bad": "class A:\n    x = 1\n"})


def test_what_a_process_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    disabled: list[bool] = []
    monkeypatch.setattr(gc, "disable", lambda: disabled.append(True))
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps([UGLY, "x = '\u2028'\n"])))
    blackening.serve()
    assert json.loads(capsys.readouterr().out) == [NEAT, 'x = "\u2028"\n']
    assert disabled


# --- What is remembered ---


def test_what_was_formatted_once_is_remembered(tmp_path: Path, given: list[str]) -> None:
    cache = tmp_path / "formatted.json"
    cache.write_text("{}")
    assert formatted({"a": UGLY}, cache) == {"a": NEAT}
    given.clear()
    assert formatted({"b": UGLY, "c": UGLY}, cache) == {"b": NEAT, "c": NEAT}
    assert not given
    for path in (None, tmp_path / "other.json"):
        formatted({"a": UGLY}, path)
        assert given
        given.clear()


def test_of_a_module_that_changed_only_what_changed_is_formatted(
    tmp_path: Path, given: list[str]
) -> None:
    cache = tmp_path / "formatted.json"
    source = "# {0}\nclass A:\n    def f(self): return  1\n    def g(self): return  {1}\n"
    formatted({"a": source.format("one", 2)}, cache)
    given.clear()
    formatted({"a": source.format("two", 2)}, cache)
    assert "return" not in "".join(given)
    given.clear()
    result = formatted({"a": source.format("two", 3)}, cache)
    assert [text.count("return  3") for text in given] == [1]
    assert "return  1" not in given[0]
    assert result == formatted({"a": source.format("two", 3)})


def test_it_depends_on_the_version_of_black_and_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str]
) -> None:
    cache = tmp_path / "formatted.json"
    formatted({"a": UGLY}, cache)
    formatted({"b": UGLY}, cache)
    assert given.count(given[0]) == 1
    monkeypatch.setattr(blackening, "LINE_LENGTH", 80)
    formatted({"a": UGLY}, cache)
    assert given.count(given[0]) == 2
    monkeypatch.setattr(formatting, "version", lambda name: f"0.0 of {name}")
    formatted({"a": UGLY}, cache)
    assert given.count(given[0]) == 3


def test_the_cache_of_the_command_lies_where_python_keeps_the_generator_compiled() -> None:
    assert places.CACHE.parent.name == "__pycache__"
    assert places.CACHE.parent.parent == Path(formatting.__file__).parent
