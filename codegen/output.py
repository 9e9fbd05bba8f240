"""Writes the generated package, or compares it with what is there.

Nothing under the destination changes before the new files have been compiled and imported in a
tree of their own, so a run that fails leaves everything as it was.
"""

from __future__ import annotations

import difflib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .diagnostics import GeneratorError
from .places import read


def write(files: dict[str, str], output: Path, package: str) -> list[str]:
    """Make the package under `output` hold just these files; gives the paths that changed.

    The whole package is replaced at once. Files that stay the same keep their times.

    Raises:
        GeneratorError: The new files cannot be imported; nothing was changed.
        OSError: They cannot be written; nothing was changed.
    """
    present = read(output, package)
    wanted = {path: text.encode() for path, text in files.items()}
    paths = sorted({*wanted, *present})
    changed = [path for path in paths if wanted.get(path) != present.get(path)]
    if changed:
        with _tree_beside(output) as tree:
            _write_all(wanted, tree)
            _verify(files, tree)
            for path in set(wanted) - set(changed):
                shutil.copystat(output / path, tree / path)
            _swap(tree / package, output / package, tree / "before")
    return changed


def differences(files: dict[str, str], output: Path, package: str) -> list[str]:
    """Unified diffs from what is there to what should be; empty when they agree to the byte."""
    present = read(output, package)
    report = []
    for path in sorted(set(files) | set(present)):
        new = files[path].encode() if path in files else None
        old = present.get(path)
        if old != new:
            report.append(_difference(path, old, new))
    return report


def _difference(path: str, old: bytes | None, new: bytes | None) -> str:
    """The diff of one file, with a line in front that says what kind of difference it is."""
    kind = "missing" if old is None else "extra" if new is None else "different"
    before, after = (
        (data or b"").decode("utf-8", "replace").splitlines(keepends=True) for data in (old, new)
    )
    old_name, new_name = ("/dev/null" if data is None else path for data in (old, new))
    diff = difflib.unified_diff(before, after, old_name, new_name)
    lines = [line if line.endswith("\n") else line + "\n" for line in diff]
    return f"{kind}: {path}\n{''.join(lines)}"


@contextmanager
def _tree_beside(output: Path) -> Iterator[Path]:
    """A temporary directory on the file system of `output`, gone in the end."""
    tree = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        yield tree
    finally:
        shutil.rmtree(tree)


def _write_all(files: dict[str, bytes], tree: Path) -> None:
    for path, data in files.items():
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _swap(new: Path, place: Path, aside: Path) -> None:
    """Put a directory into a place; what was there goes aside, or comes back if that fails."""
    place.parent.mkdir(exist_ok=True)
    try:
        if place.exists():
            place.rename(aside)
        new.rename(place)
    except BaseException:
        if aside.exists():
            aside.rename(place)
        raise


def _verify(files: dict[str, str], tree: Path) -> None:
    """Import every module in a fresh interpreter that sees the tree and the standard library."""
    modules = [
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in files
        if path.endswith(".py")
    ]
    code = (
        "import importlib, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for name in sys.argv[2:]: importlib.import_module(name)\n"
    )
    command = [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", code, str(tree), *modules]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise GeneratorError(f"the generated code cannot be imported:\n{result.stderr}")
