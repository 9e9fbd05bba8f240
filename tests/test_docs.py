"""What the README and the pages in docs/ say is true."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from amqpconn import errors
from amqpconn.testing import Peer

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("spec/*.md")])
URL = "amqp://guest:guest@localhost/"


def examples() -> list[tuple[str, str]]:
    """Every block of Python in the pages, with a name for it."""
    found = []
    for page in PAGES:
        if page.name == "upgrading.md":  # a walk in a copy: test_upgrading.py
            continue
        blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        found += [(f"{page.name}-{number}", block) for number, block in enumerate(blocks, 1)]
    return found


@pytest.mark.parametrize(("name", "block"), [pytest.param(*e, id=e[0]) for e in examples()])
def test_examples_run_as_they_are_written(name: str, block: str) -> None:
    with Peer() as peer:
        code = compile(block.replace(URL, peer.url()), name, "exec")
        exec(code, {"__name__": "__main__"})  # noqa: S102


def test_readme_has_an_example_for_each_driver_and_for_tests() -> None:
    readme = [block for name, block in examples() if name.startswith("README")]
    for module in ("amqpconn.asyncio", "amqpconn.sync", "amqpconn.testing"):
        assert any(module in block for block in readme)


def test_readme_names_exactly_two_set_up_commands() -> None:
    text = (ROOT / "README.md").read_text()
    assert re.findall(r"^    (make \w+) +#", text, re.MULTILINE) == ["make demo", "make test"]


def test_every_target_that_make_knows_of_does_something_and_says_what() -> None:
    makefile = (ROOT / "Makefile").read_text()
    declared = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    described = re.findall(r"^(\w+):.* ## \w.*\n\t", makefile, re.MULTILINE)
    # Two that need no help text: what setup does is in its stamp, broker is a part of test.
    assert set(declared) - set(described) == {"setup", "broker"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_page_of_errors_has_a_row_for_each_class() -> None:
    classes = [name for name in dir(errors) if isinstance(getattr(errors, name), type)]
    page = (ROOT / "docs" / "errors.md").read_text()
    assert sorted(re.findall(r"^\| (?:&nbsp;)*`(\w+)` \|", page, re.MULTILINE)) == sorted(classes)


def test_pages_made_from_the_code_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    for name, page in make.PAGES.items():
        assert (ROOT / "docs" / name).read_text() == page(), f"docs/{name} is stale: run make docs"
