"""Formats generated code with black, and remembers what came out of it.

black takes most of the time of a run. Its results are kept under a hash of all that they depend
on, the source, black's version and its options, so a result cannot be out of date. They lie where
Python keeps the compiled modules of the generator: whoever can change the one can change the
other, and `make clean` removes both.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from .diagnostics import GeneratorError

CACHE = Path(__file__).parent / "__pycache__" / "formatted.json"
LINE_LENGTH = 100

#: How many files a cache remembers: several times what one run writes.
CAPACITY = 200


class Formatter:
    """Formats source text; with the path of a cache it remembers the results of earlier runs."""

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache
        self._known = _read(cache) if cache is not None else {}
        self._used: dict[str, str] = {}
        self._options = f"black {version('black')}, line length {LINE_LENGTH}"

    def format(self, source: str) -> str:
        """The source as black would have it; raises GeneratorError if it is no valid Python."""
        key = hashlib.sha256(f"{self._options}\n{source}".encode()).hexdigest()
        if key not in self._used:
            self._used[key] = self._known[key] if key in self._known else _black(source)
        return self._used[key]

    def save(self) -> None:
        """Keep what was formatted last; where nothing can be written, nothing is kept."""
        if self._cache is None or self._used.keys() <= self._known.keys():
            return
        older = [item for item in self._known.items() if item[0] not in self._used]
        kept = dict([*older, *self._used.items()][-CAPACITY:])
        draft = self._cache.with_suffix(".draft")
        try:
            self._cache.parent.mkdir(exist_ok=True)
            draft.write_text(json.dumps(kept), encoding="utf-8")
            draft.replace(self._cache)
        except OSError:
            return  # a checkout that is read-only; the next run takes as long as this one


def _read(cache: Path) -> dict[str, str]:
    """What earlier runs kept; nothing if that cannot be read."""
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _black(source: str) -> str:
    import black  # late, because it takes long, and a run that only remembers needs none of it
    from black.mode import TargetVersion
    from black.parsing import InvalidInput

    mode = black.Mode(
        target_versions={TargetVersion.PY311},
        line_length=LINE_LENGTH,
        magic_trailing_comma=False,
    )
    try:
        return black.format_str(source, mode=mode)
    except InvalidInput as error:
        raise GeneratorError(f"a template gave no valid Python: {error}") from error
