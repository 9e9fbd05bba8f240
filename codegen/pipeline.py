"""From a directory of specification files to the text of the generated package."""

from __future__ import annotations

import keyword
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import overlay
from .build import build
from .diagnostics import Diagnostics, Origin
from .formatting import Formatter
from .loader import Source, load
from .model import Protocol, Spec
from .places import PACKAGE
from .render import Renderer
from .resolve import resolve

MANIFEST = "versions.toml"


@dataclass(frozen=True)
class Version:
    """An entry of the manifest: a package, its specification and the overlays on it, in order."""

    package: str
    base: str
    overlays: tuple[str, ...]


def generate(spec_dir: Path, cache: Path | None = None) -> dict[str, str]:
    """Every generated file by its path in the source root.

    Args:
        spec_dir: Where the manifest is, and the files that it names.
        cache: File to remember in what was formatted already, if anywhere.

    Raises:
        SpecError: Something is wrong with the specification; it holds all that was found.
        GeneratorError: Something is wrong with the generator.
    """
    with Formatter(cache) as formatter:
        sources = unformatted(spec_dir)
        modules = {path: text for path, text in sources.items() if path.endswith(".py")}
        return sources | formatter.formatted(modules)


def unformatted(spec_dir: Path) -> dict[str, str]:
    """Every generated file by its path in the source root, as the templates print it."""
    protocols = load_protocols(spec_dir)
    renderer = Renderer()
    shared = renderer.shared({protocol.package: protocol.version for protocol in protocols})
    files = {f"{PACKAGE}/{name}": text for name, text in shared.items()}
    for protocol in protocols:
        for name, text in renderer.version(protocol).items():
            files[f"{PACKAGE}/{protocol.package}/{name}"] = text
    return dict(sorted(files.items()))


def load_protocols(spec_dir: Path) -> list[Protocol]:
    """The protocols that the manifest lists, loaded and resolved; raises SpecError."""
    diagnostics = Diagnostics()
    versions = read_manifest(spec_dir, diagnostics)
    protocols = [load_protocol(spec_dir, version, diagnostics) for version in versions]
    diagnostics.stop_if_any()
    return [protocol for protocol in protocols if protocol is not None]


def load_protocol(spec_dir: Path, version: Version, diagnostics: Diagnostics) -> Protocol | None:
    """One protocol; None when its specification could not be read at all."""
    overlays = [spec_dir / name for name in version.overlays]
    spec, sources = load_spec(spec_dir / version.base, overlays, spec_dir, diagnostics)
    return None if spec is None else resolve(spec, version.package, sources, diagnostics)


def load_spec(
    base: Path, overlays: Iterable[Path], schemas: Path, diagnostics: Diagnostics
) -> tuple[Spec | None, tuple[Source, ...]]:
    """A specification with its overlays applied, and the files that it came from.

    Args:
        base: The specification. When it cannot be read or parsed there is no Spec.
        overlays: Changes to it, in order.
        schemas: The directory of amqp.rng and overlay.rng.
        diagnostics: Takes what is wrong with any of the files.
    """
    root, source = load(base, schemas / "amqp.rng", diagnostics)
    sources = [source]
    for path in overlays:
        node, source = load(path, schemas / "overlay.rng", diagnostics)
        sources.append(source)
        if root is not None and node is not None:
            root = overlay.apply(root, node, diagnostics)
    found = tuple(source for source in sources if source is not None)
    return (None if root is None else build(root, diagnostics)), found


def read_manifest(spec_dir: Path, diagnostics: Diagnostics) -> list[Version]:
    """The entries of versions.toml, by package."""
    path = spec_dir / MANIFEST
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        diagnostics.add(Origin(str(path), 0), "missing-file", f"cannot be read: {error.strerror}")
        return []
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        diagnostics.add(Origin(str(path), 0), "manifest", f"is no TOML: {error}")
        return []
    if not tables:
        diagnostics.add(Origin(str(path), 0), "manifest", "lists no version")
    versions = [_version(name, table, path, diagnostics) for name, table in sorted(tables.items())]
    return [version for version in versions if version is not None]


def _version(package: str, table: object, path: Path, diagnostics: Diagnostics) -> Version | None:
    """One entry, or None after a diagnostic."""
    base = table.get("base") if isinstance(table, dict) else None
    overlays = table.get("overlays", []) if isinstance(table, dict) else None
    names = [base, *overlays] if isinstance(overlays, list) else [None]
    problem = ""
    if not package.isidentifier() or keyword.iskeyword(package) or package.startswith("_"):
        problem = "is no name for a package"
    elif not all(isinstance(name, str) and name == Path(name).name and name for name in names):
        problem = "needs base and overlays, which are names of files beside this one"
    elif isinstance(table, dict) and set(table) - {"base", "overlays"}:
        problem = "has keys besides base and overlays"
    if problem:
        diagnostics.add(Origin(str(path), 0), "manifest", f"[{package}] {problem}")
        return None
    return Version(package, str(base), tuple(map(str, names[1:])))
