"""Formats generated code with black, and remembers what came out of it.

black takes most of the time of a run. So several processes share the work, and results are kept
under a hash of all that they depend on, the source, black's version and its options: a result
cannot be out of date. They lie where Python keeps the compiled modules of the generator: whoever
can change the one can change the other, and `make clean` removes both.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from .diagnostics import GeneratorError

CACHE = Path(__file__).parent / "__pycache__" / "formatted.json"
LINE_LENGTH = 100

#: How many files a cache remembers: several times what one run writes.
CAPACITY = 200

#: From how many characters on it pays to start processes.
MUCH = 200_000


def formatted(sources: dict[str, str], cache: Path | None = None) -> dict[str, str]:
    """Each source as black would have it, by path; a cache saves the work for those that are in it.

    Raises:
        GeneratorError: A source is no valid Python.
    """
    known = {} if cache is None else _read(cache)
    options = f"black {version('black')}, line length {LINE_LENGTH}"
    keys = {path: _key(options, source) for path, source in sources.items()}
    new = {keys[path]: source for path, source in sources.items() if keys[path] not in known}
    results = known | _format_all(new)
    if cache is not None and new:
        older = [key for key in known if key not in keys.values()]
        kept = [*older, *keys.values()][-CAPACITY:]
        _save({key: results[key] for key in kept}, cache)
    return {path: results[key] for path, key in keys.items()}


def _key(options: str, source: str) -> str:
    """What a result is remembered by."""
    return hashlib.sha256(f"{options}\n{source}".encode()).hexdigest()


def _read(cache: Path) -> dict[str, str]:
    """What earlier runs kept; nothing if that cannot be read."""
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _save(results: dict[str, str], cache: Path) -> None:
    """Keep results; where nothing can be written, nothing is kept."""
    draft = cache.with_suffix(f".{os.getpid()}")  # another run may be writing, too
    try:
        cache.parent.mkdir(exist_ok=True)
        draft.write_text(json.dumps(results), encoding="utf-8")
        draft.replace(cache)
    except OSError:
        return  # a checkout that is read-only; the next run takes as long as this one


def _format_all(sources: dict[str, str]) -> dict[str, str]:
    """The sources formatted, by the same keys; long ones first, so that processes end together."""
    ordered = sorted(sources, key=lambda key: len(sources[key]), reverse=True)
    texts = [sources[key] for key in ordered]
    if sum(map(len, texts)) < MUCH:
        return dict(zip(ordered, map(_black, texts), strict=True))
    from concurrent.futures import ProcessPoolExecutor  # late, as most runs have little to do
    from multiprocessing import get_context

    # Not forked: where other threads run, as in tests, that is not safe.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        return dict(zip(ordered, processes.map(_black, texts), strict=True))


def _black(source: str) -> str:
    """One source formatted.

    black's own function does it twice, because trailing commas that the first time adds could
    change the second. With magic_trailing_comma off they do not, so once is enough.
    """
    import black  # late: a run that only has to remember is ten times as fast without it
    from black.mode import TargetVersion
    from black.parsing import InvalidInput

    mode = black.Mode(
        target_versions={TargetVersion.PY311},
        line_length=LINE_LENGTH,
        magic_trailing_comma=False,
    )
    try:
        return black._format_str_once(source, mode=mode)
    except InvalidInput as error:
        raise GeneratorError(f"a template gave no valid Python: {error}") from error
