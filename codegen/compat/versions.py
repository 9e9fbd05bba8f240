"""Reads what is to be compared: a version in the manifest, or a file with overlays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..diagnostics import Diagnostics, Origin
from ..model import Protocol, Spec
from ..pipeline import MANIFEST, load_spec, read_manifest
from ..resolve import resolve


@dataclass(frozen=True)
class Side:
    """One of two specifications, as written and as resolved; `name` is what it was asked for by."""

    name: str
    spec: Spec
    protocol: Protocol

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it was read from."""
        return tuple(source.file for source in self.protocol.sources)


def read_sides(old: str, new: str, spec_dir: Path) -> tuple[Side, Side]:
    """Read both specifications.

    Args:
        old: A name in the manifest, such as v0_9_1, or the path of a file. Either can be followed
            by "+" and the path of an overlay, several times.
        new: The same for the new one.
        spec_dir: Where the manifest and the schemas are.

    Raises:
        SpecError: One of them cannot be used; it holds what is wrong with either.
    """
    diagnostics = Diagnostics()
    sides = [_read(name, spec_dir, diagnostics) for name in (old, new)]
    diagnostics.stop_if_any()
    first, second = (side for side in sides if side is not None)
    return first, second


def _read(name: str, spec_dir: Path, diagnostics: Diagnostics) -> Side | None:
    """One specification; None after a diagnostic."""
    paths = _paths(name, spec_dir, diagnostics)
    if not paths:
        return None
    spec, sources = load_spec(paths[0], paths[1:], spec_dir, diagnostics)
    if spec is None:
        return None
    return Side(name, spec, resolve(spec, name, sources, diagnostics))


def _paths(name: str, spec_dir: Path, diagnostics: Diagnostics) -> Sequence[Path]:
    """The files that a name stands for, the specification first; none after a diagnostic."""
    first, *overlays = [name] if Path(name).is_file() else name.split("+")
    added = [Path(overlay) for overlay in overlays]
    if not first.isidentifier():
        return [Path(first), *added]
    versions = {version.package: version for version in read_manifest(spec_dir, diagnostics)}
    if first not in versions:
        manifest = spec_dir / MANIFEST
        known = ", ".join(versions) or "none"
        message = f"is neither a file nor one of the versions in {manifest}: {known}"
        diagnostics.add(Origin(first, 0), "missing-file", message)
        return []
    version = versions[first]
    return [*(spec_dir / name for name in (version.base, *version.overlays)), *added]
