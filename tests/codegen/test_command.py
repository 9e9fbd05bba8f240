"""`python -m codegen` as a program: its exit status, and what goes to which stream."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import places
from codegen.__main__ import main
from tests.codegen.specs import LAMP, ROOT, changed, write


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it there, where `spec` and `generated` are what it takes unless told otherwise."""
    command = [sys.executable, "-m", "codegen", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


def test_the_status_tells_fine_from_drift_from_a_bad_specification(tmp_path: Path) -> None:
    spec = write(tmp_path / "spec", schema=True)

    drift = run(tmp_path, "check")
    assert (drift.returncode, drift.stderr) == (1, '11 files differ; run "make generate"\n')
    assert drift.stdout.startswith("missing: amqpconn_spec/__init__.py\n")

    written = run(tmp_path, "generate")
    assert (written.returncode, written.stderr) == (0, "")
    assert written.stdout.splitlines()[-1] == "11 files, 11 changed"

    fine = run(tmp_path, "check")
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "11 files are up to date\n", "")

    (spec / "lamp.xml").write_text(changed('"timestamp"', '"time"', changed('"octet"', '"byte"')))
    for command in ("generate", "check"):
        bad = run(tmp_path, command)
        assert (bad.returncode, bad.stdout) == (2, "")
        assert bad.stderr.splitlines() == [
            (
                "spec/lamp.xml:13: [unknown-domain] "
                "class lamp: field shape has the unknown domain 'byte'"
            ),
            (
                "spec/lamp.xml:23: [unknown-domain] "
                "lamp.switch-ok: field since has the unknown domain 'time'"
            ),
            "problems: 2; nothing was written",
        ]


def test_main_gives_the_status_and_takes_other_directories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--spec-dir", str(tmp_path / "none"), "--output", str(tmp_path / "out")]
    assert main(["generate", *options]) == 2
    missing = tmp_path / "none" / "versions.toml"
    assert capsys.readouterr().err == (
        f"{missing}:0: [missing-file] cannot be read: No such file or directory\n"
        "problems: 1; nothing was written\n"
    )


def test_output_that_cannot_be_written_is_told(
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(places, "CACHE", cache)
    write(tmp_path / "spec", LAMP)
    (tmp_path / "file").write_text("")
    options = ["--spec-dir", str(tmp_path / "spec"), "--output", str(tmp_path / "file" / "out")]
    assert main(["generate", *options]) == 2
    told = capsys.readouterr().err
    assert "Not a directory" in told
    assert told.endswith("nothing was written\n")


@pytest.mark.parametrize("arguments", [[], ["make"], ["generate", "--spec"]])
def test_a_wrong_command_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m codegen")


def test_help_says_what_the_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    assert "Exit status: 0 fine, 1" in capsys.readouterr().out
