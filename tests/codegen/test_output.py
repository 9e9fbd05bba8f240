"""Output is replaced as a whole or not at all, and `check` tells every difference to it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen import output, places
from codegen.__main__ import main
from codegen.diagnostics import GeneratorError
from codegen.pipeline import generate
from codegen.places import PACKAGE
from tests.codegen.specs import LAMP, changed, write

SECOND = (
    '<class name="bulb" index="8"><method name="glow" index="1"><chassis name="client"/></method>'
)
TWO_CLASSES = changed("</amqp>", f"{SECOND}</class></amqp>")

Tree = dict[str, tuple[bytes, int]]


class Workshop:
    """A directory with a specification in it and what was generated from that."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.spec = directory / "spec"
        self.output = directory / "out"

    def run(self, command: str) -> int:
        return main([command, "--spec-dir", str(self.spec), "--output", str(self.output)])

    def tree(self) -> Tree:
        """Every file but compiled ones, with its bytes and the time of its last change."""
        return {
            str(path.relative_to(self.directory)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and path.suffix != ".pyc"
        }


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The workshop that those of all tests are copies of."""
    directory = tmp_path_factory.mktemp("workshop") / "model"
    workshop = Workshop(directory)
    directory.mkdir()
    write(workshop.spec, TWO_CLASSES)
    output.write(generate(workshop.spec, cache), workshop.output, PACKAGE)
    return directory


@pytest.fixture
def workshop(model: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setattr(places, "CACHE", cache)
    shutil.copytree(model, tmp_path, dirs_exist_ok=True)
    return Workshop(tmp_path)


def templates(monkeypatch: pytest.MonkeyPatch, directory: Path, name: str, text: str) -> None:
    """Have the generator use a copy of its templates with one of them replaced."""
    copy = directory.parent / f"{directory.name}-templates"
    shutil.copytree(places.TEMPLATES, copy)
    (copy / name).write_text(text)
    monkeypatch.setattr(places, "TEMPLATES", copy)


# --- Failures ---

Break = Callable[[Workshop, pytest.MonkeyPatch], None]


def bad_spec(workshop: Workshop, _monkeypatch: pytest.MonkeyPatch) -> None:
    write(workshop.spec, changed('type="octet"', 'type="octave"', TWO_CLASSES))


def template(name: str, text: str) -> Break:
    def breaks(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
        templates(monkeypatch, workshop.directory, name, text)

    return breaks


def full_disk(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes = Path.write_bytes

    def failing(path: Path, data: bytes) -> int:
        if path.name == "registry.py":
            raise OSError(28, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", failing)
    change(workshop)


def rename_fails(at: int, error: BaseException) -> Break:
    def breaks(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
        rename = Path.rename
        calls: list[Path] = []

        def failing(path: Path, target: Path) -> Path:
            calls.append(path)
            if len(calls) == at:
                raise error
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", failing)
        change(workshop)

    return breaks


def change(workshop: Workshop) -> None:
    """Make the specification a good one that gives other output."""
    write(workshop.spec, changed('index="10"', 'index="12"', LAMP))


BROKEN_BODY = "{{ header }}\nclass :\n"
FAILURES: dict[str, tuple[Break, str]] = {
    "bad specification": (bad_spec, "[unknown-domain]"),
    "template with a syntax error": (
        template("registry.py.j2", "{% for %}"),
        "template registry.py.j2: TemplateSyntaxError",
    ),
    "template that needs what is not there": (
        template("errors.py.j2", "{{ nothing.here }}"),
        "template errors.py.j2: UndefinedError: 'nothing' is undefined",
    ),
    "template that gives no Python": (
        template("frames.py.j2", BROKEN_BODY),
        "a template gave no valid Python",
    ),
    "class template that gives no Python": (
        template("amqp_class.py.j2", "class :\n"),
        "a template gave no valid Python",
    ),
    "code that cannot be imported": (
        template("errors.py.j2", "{{ header }}\nraise RuntimeError('no good')\n"),
        "RuntimeError: no good",
    ),
    "code that warns when it is imported": (
        template("errors.py.j2", "import warnings\nwarnings.warn('hm')\n"),
        "UserWarning: hm",
    ),
    "code that imports what is not in the standard library": (
        template("errors.py.j2", "import black\n"),
        "No module named 'black'",
    ),
    "full disk": (full_disk, "No space left on device"),
    "old package cannot be moved": (rename_fails(1, OSError(13, "not this")), "not this"),
    "new package cannot be moved": (rename_fails(2, OSError(13, "nor that")), "nor that"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_run_that_fails_leaves_everything_as_it_was(
    name: str,
    workshop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    breaks, words = FAILURES[name]
    breaks(workshop, monkeypatch)
    before = workshop.tree()
    capsys.readouterr()

    assert workshop.run("generate") == 2

    told = capsys.readouterr()
    assert words in told.err
    assert told.err.endswith("nothing was written\n")
    assert told.out == ""
    assert workshop.tree() == before
    assert sorted(path.name for path in workshop.directory.iterdir()) == ["out", "spec"]


@pytest.mark.parametrize("at", [1, 2])
def test_a_run_that_is_interrupted_leaves_everything_as_it_was(
    at: int, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename_fails(at, KeyboardInterrupt())(workshop, monkeypatch)
    before = workshop.tree()
    with pytest.raises(KeyboardInterrupt):
        workshop.run("generate")
    assert workshop.tree() == before
    assert sorted(path.name for path in workshop.directory.iterdir()) == ["out", "spec"]


def test_a_first_run_that_fails_leaves_nothing(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(workshop.output)
    rename_fails(1, OSError(13, "not this"))(workshop, monkeypatch)
    before = workshop.tree()
    assert workshop.run("generate") == 2
    assert workshop.tree() == before


# --- Success ---


def test_what_did_not_change_is_not_touched_and_what_did_is_told(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    before = workshop.tree()
    capsys.readouterr()
    assert workshop.run("generate") == 0
    assert workshop.tree() == before
    assert capsys.readouterr().out == f"{len(before) - 2} files, 0 changed\n"

    write(workshop.spec, changed('type="octet"', 'type="short"', TWO_CLASSES))
    lamp, shared = ("out/amqpconn_spec/lamp_1/lamp.py", "out/amqpconn_spec/_base.py")
    assert workshop.run("generate") == 0
    after = workshop.tree()
    assert after[shared] == before[shared]
    assert after[lamp] != before[lamp]
    told = capsys.readouterr().out.splitlines()
    assert f"wrote {workshop.directory / lamp}" in told
    # The others have the hash of the specification in their first line.
    assert told[-1] == f"{len(before) - 2} files, 8 changed"


def test_files_that_are_not_generated_any_more_go(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    package = workshop.output / "amqpconn_spec"
    (package / "own.py").write_text("# by hand\n")
    (package / "lamp_1" / "deep" / "er").mkdir(parents=True)
    (package / "lamp_1" / "deep" / "er" / "own.py").write_text("# by hand\n")
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "own.cpython-311.pyc").write_bytes(b"")
    (workshop.output / "beside.txt").write_text("not ours")
    write(workshop.spec)  # without the class bulb
    capsys.readouterr()

    assert workshop.run("generate") == 0

    told = capsys.readouterr().out
    for gone in ("own.py", "lamp_1/deep/er/own.py", "lamp_1/bulb.py"):
        assert f"removed {package / gone}\n" in told
    left = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert not {path for path in left if "own" in path or "bulb" in path}
    assert not (package / "lamp_1" / "deep").exists()
    assert (workshop.output / "beside.txt").read_text() == "not ours"
    assert workshop.run("check") == 0


def test_a_version_that_is_not_in_the_manifest_any_more_goes(workshop: Workshop) -> None:
    manifest = workshop.spec / "versions.toml"
    manifest.write_text(manifest.read_text().replace("lamp_1", "lamp_2"))
    assert workshop.run("generate") == 0
    package = workshop.output / "amqpconn_spec"
    assert sorted(path.name for path in package.iterdir()) == [
        "__init__.py",
        "_base.py",
        "_wire.py",
        "lamp_2",
        "py.typed",
    ]
    assert '__all__ = ["VERSIONS", "lamp_2"]' in (package / "__init__.py").read_text()


# --- Check ---


def test_check_tells_what_is_missing_too_much_and_different_and_writes_nothing(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    package = workshop.output / "amqpconn_spec"
    errors = package / "lamp_1" / "errors.py"
    errors.write_text(errors.read_text().replace("def __hash__", "def hash", 1))
    (package / "lamp_1" / "bulb.py").unlink()
    (package / "own.py").write_bytes(b"mine = '\xff'\nno newline")
    before = workshop.tree()
    capsys.readouterr()

    assert workshop.run("check") == 1

    assert workshop.tree() == before
    told = capsys.readouterr()
    assert told.err == '3 files differ; run "make generate"\n'
    lines = told.out.splitlines()
    assert [
        line for line in lines if line.partition(":")[0] in ("missing", "extra", "different")
    ] == [
        "missing: amqpconn_spec/lamp_1/bulb.py",
        "different: amqpconn_spec/lamp_1/errors.py",
        "extra: amqpconn_spec/own.py",
    ]
    different = lines[lines.index("different: amqpconn_spec/lamp_1/errors.py") + 1 :]
    assert different[:3] == [
        "--- amqpconn_spec/lamp_1/errors.py",
        "+++ amqpconn_spec/lamp_1/errors.py",
        "@@ -29,7 +29,7 @@",
    ]
    assert "-    def hash(self) -> int:" in different
    assert "+    def __hash__(self) -> int:" in different
    missing = lines[lines.index("missing: amqpconn_spec/lamp_1/bulb.py") + 1 :]
    assert missing[:2] == ["--- /dev/null", "+++ amqpconn_spec/lamp_1/bulb.py"]
    extra = lines[lines.index("extra: amqpconn_spec/own.py") + 1 :]
    assert extra[:5] == [
        "--- amqpconn_spec/own.py",
        "+++ /dev/null",
        "@@ -1,2 +0,0 @@",
        "-mine = '�'",
        "-no newline",
    ]


def test_check_finds_a_single_byte(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    file = workshop.output / "amqpconn_spec" / "py.typed"
    for data in (b"\n", b" "):
        file.write_bytes(data)
        assert workshop.run("check") == 1
    file.write_bytes(b"")
    wire = workshop.output / "amqpconn_spec" / "_wire.py"
    wire.write_bytes(wire.read_bytes().replace(b"\n", b"\r\n"))
    assert workshop.run("check") == 1
    capsys.readouterr()


def test_check_agrees_with_what_generate_wrote_and_overlooks_compiled_files(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled = workshop.output / "amqpconn_spec" / "__pycache__"
    compiled.mkdir(exist_ok=True)
    (compiled / "x.pyc").write_bytes(b"")
    (workshop.output / "amqpconn_spec" / "old.pyc").write_bytes(b"")
    capsys.readouterr()
    assert workshop.run("check") == 0
    assert capsys.readouterr() == ("12 files are up to date\n", "")


def test_check_of_nothing_misses_everything(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(workshop.output)
    assert workshop.run("check") == 1
    assert not workshop.output.exists()
    assert "12 files differ" in capsys.readouterr().err


def test_check_says_of_a_bad_specification_what_generate_does(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad_spec(workshop, monkeypatch)
    before = workshop.tree()
    assert [workshop.run("generate"), workshop.run("check")] == [2, 2]
    first, second = capsys.readouterr().err.split("nothing was written\n")[:2]
    assert first == second
    assert workshop.tree() == before


# --- The import of what was generated ---


def test_new_code_is_imported_by_an_interpreter_that_sees_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    run = subprocess.run

    def noted(command: list[str], **options: object) -> object:
        commands.append(command)
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", noted)
    files = {"p/__init__.py": "", "p/a.py": "from . import b\n", "p/b.py": "", "p/py.typed": ""}
    assert output.write(files, tmp_path / "out", "p") == sorted(files)
    ((_, *options, tree, first, second, third),) = commands
    assert options[:3] == ["-I", "-S", "-B"]
    assert (first, second, third) == ("p", "p.a", "p.b")
    assert not Path(tree).exists()
    with pytest.raises(GeneratorError, match="cannot import name 'c'"):
        output.write({**files, "p/a.py": "from .b import c\n"}, tmp_path / "out", "p")
