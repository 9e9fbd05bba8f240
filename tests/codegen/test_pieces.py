"""What is formatted piece by piece is what black makes of the whole."""

from __future__ import annotations

import textwrap
from pathlib import Path

import black
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.blackening import LINE_LENGTH, blackened
from codegen.diagnostics import GeneratorError
from codegen.formatting import Formatter
from codegen.pieces import cut
from tests.codegen.conftest import Made

MODE = black.Mode(
    target_versions={black.mode.TargetVersion.PY311},
    line_length=LINE_LENGTH,
    magic_trailing_comma=False,
)


def piecewise(sources: dict[str, str]) -> dict[str, str]:
    with Formatter() as formatter:
        return formatter.formatted(sources)


def check(source: str) -> None:
    assert piecewise({"a": source}) == {"a": black.format_str(source, mode=MODE)}


LONG = ", ".join(f"argument_{number}" for number in range(12))

#: What a module or a class may consist of.
STATEMENTS = [
    "x = 1",
    "y: int = {  'a':1 }",
    f"z = f({LONG})",
    f"{LONG} = {LONG}",
    "x = 1; y = 2",
    "x = 1; y = [\n    3,\n4]",
    "x = 1  # about x",
    "# about what follows",
    "#: about what follows\n# in two lines",
    "def f(): pass",
    f"def f({LONG}):\n    return  1",
    "def f():\n\n    '''Text.'''\n\n\n    return 1\n    # behind",
    "def f():\n    return 1\n        # deeper\n  # less deep\n# not at all",
    "async def f():\n    await x",
    "@a\n@b( 'c' )\ndef f( self ): return x",
    "@overload\ndef f(): ...",
    "class A: x = 1",
    "class A(\n        B\n    ): x = 1; y = 2",
    "class A: pass\nx = 1",
    "class A:\n    '''Text.\n\nclass B:\n    x = 1\n    '''\n    x = 1",
    f"@a\nclass A:\n\n    # x\n    x = f({LONG})\n    y=2\n\n    z=3\n    def f(x): pass\n    x=1",
    "class A:\n    def f(self):\n        return 1\n        # behind f\n    # behind all\n    ",
    "class A:\n    class B:\n        class C:\n            x  =  1\n        def f(self): pass",
    "class A:\n\n    x = 1; y = 2\n    def f(self): pass; pass\n    def g(self): pass",
    "if x:\n    class A:\n        y  =  1\nelse:\n    def f(): pass",
    "import a\nfrom b import (c,\n    d)",
    "x = '''\ncut_here_0 = 0\n# next_piece\ndef cut_here_1():\n    pass\n'''",
    "x = 1 # cut_here",
    "# next_piece",
    "'a string'",
    "é = 'é'; x = 1",
    "# fmt: off\nx = [1,\n  2]\n# fmt: on",
    "x  =  1 # fmt: skip",
    "x = 1\f\ny  =  2",
    "for a in  b:\n    pass",
    "del x",
    "x += 1\nx = 1\nif x: y\n",
    "if x:\n    x  =  1\n\n\n    y = 2\nelif y: pass\nelse:\n    return x # so\nx = 1",
    "if x:\n    def f(): pass\nx = 1",
    "if x:\n    @property\n    async def f(): pass\nx = 1",
    "x = 1\nif x:\n    import a\nx = 1",
    "if x: ...\nx = 1",
    "try:\n\n    x  =  1\n    y=2\n    # behind\n# before\nexcept  A : x=1\nelse: y = 2\nx = 1",
    "try:\n    try: x=1\n    finally:\n        x = 1\n\n    return x\nfinally:\n    raise ( a )",
    "try:\n    class A: pass\n    def f(): pass\nexcept A: pass\nx = 1",
    "def f():\n  if x:\n    return  1\n  return  2",
    "def f():\n    x  =  1\n    def g( ): pass\n    class A: pass\n    class B: pass\n    x = 1",
    f"def f():\n    x = 1\n    try:\n        return f({LONG})\n    except A:\n        raise B",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_kind_of_statement_in_a_module_and_inside_others(statement: str) -> None:
    for source in (
        statement,
        f"x=0\n{statement}\ny=1\n",
        f"def a(): pass\n{statement}\ndef b(): 1",
    ):
        check(source)
        indented = textwrap.indent(source, "    ")
        check(f"class Outer:\n    '''Text.'''\n{indented}\n")
        check(f"def outer():\n    '''Text.'''\n{indented}\n")
        check(f"try:\n{indented}\n    x  =  1\nfinally: x\n")


@pytest.mark.parametrize("first", ["'a string'", "import a", "class A: pass"])
def test_a_definition_with_decorators_behind_other_statements(first: str) -> None:
    check(f"{first}\n@a\n@b( 'c' )\ndef f( self ): return x\n@a\ndef g( ): pass\n")


BLOCK = st.lists(st.tuples(st.sampled_from(STATEMENTS), st.integers(0, 4)), max_size=6).map(
    lambda items: "".join(statement + "\n" * (1 + blank) for statement, blank in items)
)
HEADS = st.sampled_from(["class Made:\n", "def made():\n", "if x:\n"])
BLOCKS = st.tuples(HEADS, BLOCK).map(
    lambda parts: parts[0] + textwrap.indent(parts[1] + "x = 0", "    ") + "\n"
)


@settings(max_examples=50)  # black takes 30 ms for each
@given(st.lists(BLOCK | BLOCKS, max_size=4).map("".join))
def test_statements_in_any_order_with_any_distance(source: str) -> None:
    check(source)


#: The largest modules of the synthetic version, which are more of the same.
LARGE = {"decoding.py", "names.py", "runs.py", "bits.py", "methods.py"}


def test_modules_with_hostile_names_and_words_in_them(made: Made) -> None:
    """Here black runs once: test_formatting.py shows that this is enough."""
    sources = {
        path: text
        for path, text in made.files.items()
        if path.endswith(".py") and Path(path).name not in LARGE
    }
    whole = blackened(list(sources.values()))
    assert piecewise(sources) == dict(zip(sources, whole, strict=True))


DEFINED = """
class A:
    '''Defined in {name}.'''

    NUMBER = 1
    TEXT = 'a'

    def one(self): pass

    @property
    def two(self): return 2
"""


def test_what_the_versions_share_is_formatted_once() -> None:
    """A class differs in its docstring, which names the file; its members are the same."""
    first, second = (cut(DEFINED.format(name=name)) for name in ("one.xml", "two.xml"))
    (first_class,), (second_class,) = first.runs[0].parts, second.runs[0].parts
    assert first.text == second.text
    assert first_class.text != second_class.text
    assert first_class.runs == second_class.runs
    assert [[part.text.split() for part in run.parts] for run in first_class.runs] == [
        [["NUMBER", "=", "1"], ["TEXT", "=", "'a'"]],
        [["def", "one(self):", "pass"], ["@property", "def", "two(self):", "return", "2"]],
    ]


def test_what_methods_share_is_formatted_once() -> None:
    """Where one statement of a function differs the others are the same, also those in a try."""
    source = "def f():\n    x = 1\n    try:\n        x = {}\n        return x\n    finally: y\n"
    first, second = ({piece.text.strip() for piece in cut(source.format(n))} for n in (2, 3))
    assert (first - second, second - first) == ({"x = 2"}, {"x = 3"})
    assert {"x = 1", "return x"} < first & second


@pytest.mark.parametrize("source", ["def:\n", "x = (\n", "x = '\0'\n"])
def test_what_is_no_python_is_a_defect_of_the_generator(source: str) -> None:
    with pytest.raises(GeneratorError, match="gave no valid Python"):
        piecewise({"good": "x = 1\n", "bad": source})
