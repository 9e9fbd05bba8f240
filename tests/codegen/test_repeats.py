"""A run that would change nothing is not made, and any change of contents makes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import output, pipeline, places, repeats
from codegen.__main__ import main
from codegen.diagnostics import GeneratorError
from tests.codegen.specs import LAMP, ROOT, changed, write


class Place:
    """A specification, what was generated from it, and how often it was."""

    def __init__(self, directory: Path) -> None:
        self.spec = directory / "spec"
        self.output = directory / "out"
        self.runs = 0

    def generate(self) -> bool:
        """Whether there was anything to do."""
        before = self.runs
        options = ["--spec-dir", str(self.spec), "--output", str(self.output)]
        assert main(["generate", *options]) == 0
        return self.runs > before

    def check(self) -> int:
        return main(["check", "--spec-dir", str(self.spec), "--output", str(self.output)])


@pytest.fixture
def place(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where everything has been generated once."""
    place = Place(tmp_path)
    generate = pipeline.generate

    def counted(spec_dir: Path, file: Path | None = None) -> dict[str, str]:
        place.runs += 1
        return generate(spec_dir, file and cache)

    write(place.spec, LAMP)
    monkeypatch.setattr(pipeline, "generate", counted)
    monkeypatch.setattr(output, "_verify", lambda *_: None)  # that takes a process
    monkeypatch.setattr(places, "CACHE", tmp_path / "__pycache__" / "formatted.json")
    assert place.generate()
    return place


def test_a_second_run_has_nothing_to_do_and_says_what_it_would(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert not place.generate()
    assert capsys.readouterr().out == "11 files, 0 changed\n"


def test_times_do_not_count(place: Place) -> None:
    for file in (*place.spec.iterdir(), *place.output.rglob("*.py")):
        os.utime(file, (1, 1))
    assert not place.generate()


def test_another_specification_counts_and_going_back_to_the_first_does_too(place: Place) -> None:
    wire = place.output / "amqpconn_spec" / "lamp_1" / "lamp.py"
    first = wire.read_bytes()
    write(place.spec, changed('type="octet"', 'type="short"', LAMP))
    assert place.generate()
    assert wire.read_bytes() != first
    assert not place.generate()
    write(place.spec, LAMP)
    assert place.generate()
    assert wire.read_bytes() == first


def test_a_generated_file_that_was_edited_is_written_again(place: Place) -> None:
    file = place.output / "amqpconn_spec" / "_wire.py"
    before, time = file.read_bytes(), file.stat().st_mtime_ns
    file.write_bytes(before.replace(b"255", b"256"))
    os.utime(file, ns=(time, time))
    assert place.generate()
    assert file.read_bytes() == before


def test_a_generated_file_that_is_gone_or_one_too_many_counts(place: Place) -> None:
    file = place.output / "amqpconn_spec" / "py.typed"
    file.unlink()
    assert place.generate()
    assert file.exists()
    file.with_name("own.py").write_text("")
    assert place.generate()
    assert not file.with_name("own.py").exists()
    file.with_name("own.pyc").write_bytes(b"")  # Python's own do not
    assert not place.generate()


def test_the_templates_count(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(places.TEMPLATES, tmp_path / "templates")
    monkeypatch.setattr(places, "TEMPLATES", tmp_path / "templates")
    assert not place.generate()
    template = tmp_path / "templates" / "package.py.j2"
    template.write_text(template.read_text() + "# more\n")
    assert place.generate()


def test_the_generator_counts(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = tmp_path / "codegen"
    copy.mkdir()
    for module in places.GENERATOR.glob("*.py"):
        shutil.copy(module, copy)
    monkeypatch.setattr(places, "GENERATOR", copy)
    assert not place.generate()
    (copy / "layout.py").write_text((copy / "layout.py").read_text() + "\n")
    assert place.generate()


def test_what_it_works_with_counts(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda package: f"{package} 99")
    assert place.generate()
    assert not place.generate()
    monkeypatch.setattr(sys, "version", "another")
    assert place.generate()


def test_check_believes_nothing(place: Place) -> None:
    assert place.check() == 0
    assert place.check() == 0
    assert place.runs == 3


def test_a_run_that_failed_is_made_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--spec-dir", str(place.spec), "--output", str(place.output)]
    write(place.spec, changed('type="octet"', 'type="octave"', LAMP))
    for _ in range(2):
        assert main(["generate", *options]) == 2
    assert place.runs == 3

    def failing(*_: object) -> None:
        raise GeneratorError("it cannot be imported")

    write(place.spec, changed('type="octet"', 'type="short"', LAMP))
    with monkeypatch.context() as patch:
        patch.setattr("codegen.output.write", failing)
        for _ in range(2):
            assert main(["generate", *options]) == 2
    assert place.generate()


def test_a_specification_that_changes_during_the_run_is_not_taken_for_the_one_before(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate = pipeline.generate
    other = changed('type="octet"', 'type="short"', LAMP)

    def late(spec_dir: Path, file: Path | None = None) -> dict[str, str]:
        write(spec_dir, other)
        return generate(spec_dir, file)

    write(place.spec, changed('type="octet"', 'type="long"', LAMP))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "generate", late)
        assert place.generate()
    write(place.spec, changed('type="octet"', 'type="long"', LAMP))
    assert place.generate()


def test_what_cannot_be_read_is_told_by_the_run(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(repeats, "inputs", failing)
    options = ["--spec-dir", str(place.spec), "--output", str(place.output)]
    assert main(["generate", *options]) == 2
    assert capsys.readouterr().err == "[Errno 13] Permission denied\nnothing was written\n"


def test_only_so_many_states_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "states.json"
    states = [f"state {number}" for number in range(repeats.CAPACITY + 1)]
    for state in [*states, states[2]]:
        repeats.keep(state, file)
    assert [repeats.is_known(state, file) for state in states[:4]] == [False, True, True, True]
    repeats.keep("one more", file)
    assert [repeats.is_known(state, file) for state in states[:4]] == [False, False, True, True]


def test_a_run_with_nothing_to_do_loads_nothing_that_works(place: Place) -> None:
    program = """
import sys
from pathlib import Path
from codegen import places
from codegen.__main__ import main
places.CACHE = Path(sys.argv[1])
main(["generate", "--spec-dir", sys.argv[2], "--output", sys.argv[3]])
print(*sys.modules)
"""
    arguments = [str(path) for path in (places.CACHE, place.spec, place.output)]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told, loaded = done.stdout.splitlines()
    assert told.endswith(" files, 0 changed")
    assert "codegen.repeats" in loaded
    assert not {"lxml", "jinja2", "black", "codegen.pipeline", "codegen.compat"} & {*loaded.split()}
