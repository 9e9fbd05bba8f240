"""What earlier runs worked out, kept in a file.

A result is kept under a hash of all that it depends on, so it cannot be out of date. The files lie
where Python keeps the compiled modules of the generator: whoever can change the one can change the
other, and `make clean` removes both.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path


def remembered(
    texts: Iterable[str],
    make: Callable[[list[str]], list[str]],
    *,
    file: Path | None,
    options: str,
    capacity: int,
) -> dict[str, str]:
    """The result for each text; those that the file does not have are made, and kept in it.

    Args:
        texts: What results are made from. They may repeat.
        make: Makes the results for some of them.
        file: Where results are kept, if anywhere.
        options: What the results depend on besides.
        capacity: How many results the file keeps, those that were used last.
    """
    known = {} if file is None else read(file)
    keys = {text: hashlib.sha256(f"{options}\n{text}".encode()).hexdigest() for text in texts}
    new = [text for text, key in keys.items() if key not in known]
    made = dict(zip(new, make(new), strict=True)) if new else {}
    results = {text: made[text] if text in made else known[key] for text, key in keys.items()}
    if file is not None and new:
        used = {keys[text]: result for text, result in results.items()}
        older = {key: result for key, result in known.items() if key not in used}
        save(dict(list((older | used).items())[-capacity:]), file)
    return results


def read(file: Path) -> dict[str, str]:
    """What earlier runs kept; nothing if that cannot be read."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def save(results: dict[str, str], file: Path) -> None:
    """Keep results; where nothing can be written, nothing is kept."""
    draft = file.with_suffix(f".{os.getpid()}")  # another run may be writing, too
    try:
        file.parent.mkdir(exist_ok=True)
        draft.write_text(json.dumps(results), encoding="utf-8")
        draft.replace(file)
    except OSError:
        return  # a checkout that is read-only; the next run takes as long as this one
