"""Rules about classes and methods and how they are exchanged, each on the smallest pair."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codegen.compat import (
    Case,
    ask,
    breaks,
    case,
    check,
    fields,
    spec,
    tells,
)

SERVER = '<chassis name="server" implement="MUST"/><!--server-->'
CLIENT = '<chassis name="client" implement="MUST"/><!--client-->'


def classes(*classes: str) -> str:
    return spec("\n".join(classes))


def a_class(name: str, index: int, *methods: str) -> str:
    body = "\n".join(methods)
    return f'<class name="{name}" index="{index}"><!--{name}-->\n{body}\n</class>'


def a_method(name: str, index: int, arguments: str = "", parts: str = SERVER) -> str:
    return (
        f'<method name="{name}" index="{index}"><!--{name}-->\n'
        f"{parts}\n{fields(arguments)}\n</method>"
    )


def asked(arguments: str) -> str:
    return ask(fields(arguments))


CASES = [
    case(
        "a class is gone",
        classes(a_class("alpha", 10), a_class("beta", 20, a_method("ask", 10))),
        classes(a_class("alpha", 10)),
        breaks(
            "WIRE CLASS_NO_DELETE class beta", "beta", "",
            "class beta (20) is gone with its 1 method: peers of the new version know none of it",
        ),
    ),
    case(
        "the number of a class that is gone is another class's",
        classes(a_class("beta", 20, a_method("ask", 10), a_method("tell", 20))),
        classes(a_class("gamma", 20)),
        breaks(
            "WIRE CLASS_NO_DELETE class beta", "beta", "",
            "with its 2 methods: peers of the new version take its number for class gamma",
        ),
        tells(
            "SOURCE CLASS_ADDED class gamma", "", "gamma",
            "class gamma (20) is new, with 0 methods: peers of the old version take its number for"
            " class beta",
        ),
    ),
    case(
        "another number of a class",
        classes(a_class("alpha", 10, a_method("ask", 10))),
        classes(a_class("alpha", 11, a_method("ask", 10))),
        breaks(
            "WIRE CLASS_SAME_ID class alpha", "alpha", "alpha",
            "class alpha has the number 11 instead of 10: peers of the other version",
        ),
    ),
    case(
        "a method is gone",
        classes(a_class("alpha", 10, a_method("ask", 10), a_method("tell", 20, parts=CLIENT))),
        classes(a_class("alpha", 10, a_method("ask", 10))),
        breaks(
            "WIRE METHOD_NO_DELETE alpha.tell", "tell", "",
            "servers cannot send alpha.tell (10.20) any more: clients of the new version do not"
            " know it",
        ),
    ),
    case(
        "the number of a method that is gone is another method's",
        classes(a_class("alpha", 10, a_method("ask", 10, "size:long"))),
        classes(a_class("alpha", 10, a_method("tell", 10, "size:short"))),
        breaks(
            "WIRE METHOD_NO_DELETE alpha.ask", "ask", "",
            "clients cannot send alpha.ask (10.10) any more: servers of the new version take it"
            " for alpha.tell",
        ),
        tells(
            "SOURCE METHOD_ADDED alpha.tell", "", "tell",
            "clients can send alpha.tell (10.10): servers of the old version take it for alpha.ask",
        ),
    ),
    case(
        "another number of a method, and its number is another one's",
        classes(a_class("alpha", 10, a_method("ask", 10))),
        classes(a_class("alpha", 10, a_method("ask-soon", 10), a_method("ask", 11))),
        breaks(
            "WIRE METHOD_SAME_ID alpha.ask", "ask", "ask",
            "clients that send alpha.ask write the method number 11 instead of 10: servers of the"
            " old version do not know it, and servers of the new version take 10 for"
            " alpha.ask-soon",
        ),
        tells(
            "SOURCE METHOD_ADDED alpha.ask-soon", "", "ask-soon",
            "servers of the old version take it for alpha.ask",
        ),
    ),
    case(
        "a method under another number and name is another method",
        classes(a_class("alpha", 10, a_method("ask", 10))),
        classes(a_class("alpha", 10, a_method("tell", 11))),
        breaks("WIRE METHOD_NO_DELETE alpha.ask", "ask", "", "do not know it"),
        tells("SOURCE METHOD_ADDED alpha.tell", "", "tell", "do not know it"),
    ),
    case(
        "a content follows now",
        ask("", 'content="0"'),
        ask("", 'content="1"'),
        breaks(
            "WIRE METHOD_SAME_CONTENT alpha.ask", "method", "method",
            "a content follows alpha.ask: servers of the old version do not expect one",
        ),
    ),
    case(
        "no content follows any more",
        ask("", 'content="1"'),
        ask(""),
        breaks(
            "WIRE METHOD_SAME_CONTENT alpha.ask", "method", "method",
            "no content follows alpha.ask any more: servers of the old version wait for one",
        ),
    ),
    case(
        "other answers",
        classes(
            a_class(
                "alpha", 10,
                a_method("ask", 10, parts=f'{SERVER}\n<response name="yes"/><!--response-->'),
                a_method("yes", 11), a_method("no", 12),
            )
        ),
        classes(
            a_class(
                "alpha", 10,
                a_method("ask", 10, parts=f'{SERVER}\n<response name="no"/><!--response-->'),
                a_method("yes", 11), a_method("no", 12),
            )
        ),
        breaks(
            "REPLY METHOD_SAME_RESPONSES alpha.ask", "response", "response",
            "clients that send alpha.ask wait for no, which servers of the old version do not send",
            "do not wait for yes, which servers of the old version may send",
        ),
    ),
    case(
        "an answer at last",
        classes(a_class("alpha", 10, a_method("ask", 10), a_method("yes", 11))),
        classes(
            a_class(
                "alpha", 10,
                a_method("ask", 10, parts=f'{SERVER}\n<response name="yes"/><!--response-->'),
                a_method("yes", 11),
            )
        ),
        breaks(
            "REPLY METHOD_SAME_RESPONSES alpha.ask", "ask", "response",
            "clients that send alpha.ask wait for yes",
        ),
    ),
    case(
        "an answer under another name is the same",
        classes(
            a_class(
                "alpha", 10,
                a_method("ask", 10, parts=f'{SERVER}\n<response name="yes"/>'), a_method("yes", 11),
            )
        ),
        classes(
            a_class(
                "alpha", 10,
                a_method("ask", 10, parts=f'{SERVER}\n<response name="ok"/>'), a_method("ok", 11),
            )
        ),
        breaks("SOURCE METHOD_RENAMED alpha.ok", "yes", "ok", "alpha.yes (10.11) is called"),
    ),
    case(
        "a direction more",
        classes(a_class("alpha", 10, a_method("ask", 10, parts=SERVER))),
        classes(a_class("alpha", 10, a_method("ask", 10, parts=f"{SERVER}\n{CLIENT}"))),
        tells(
            "REPLY METHOD_SAME_DIRECTION alpha.ask", "ask", "client",
            "servers may send alpha.ask now: clients of the old version do not expect it",
        ),
    ),
    case(
        "a direction less",
        classes(a_class("alpha", 10, a_method("ask", 10, parts=f"{SERVER}\n{CLIENT}"))),
        classes(a_class("alpha", 10, a_method("ask", 10, parts=CLIENT))),
        breaks(
            "REPLY METHOD_SAME_DIRECTION alpha.ask", "server", "ask",
            "clients may not send alpha.ask any more: servers of the new version do not accept it",
        ),
    ),
    case(
        "the other direction",
        classes(a_class("alpha", 10, a_method("ask", 10, parts=SERVER))),
        classes(a_class("alpha", 10, a_method("ask", 10, parts=CLIENT))),
        breaks(
            "REPLY METHOD_SAME_DIRECTION alpha.ask", "server", "client",
            "clients may not send alpha.ask any more",
        ),
        tells(
            "REPLY METHOD_SAME_DIRECTION alpha.ask", "server", "client",
            "servers may send alpha.ask now",
        ),
    ),
    case(
        "synchronous",
        ask(""),
        ask("", 'synchronous="1"'),
        breaks(
            "REPLY METHOD_SAME_SYNCHRONOUS alpha.ask", "method", "method",
            "alpha.ask is synchronous: clients and servers of the two versions",
        ),
    ),
    case(
        "not synchronous any more",
        ask("", 'synchronous="1"', f"{SERVER}\n{CLIENT}"),
        ask("", 'synchronous="0"', f"{SERVER}\n{CLIENT}"),
        breaks(
            "REPLY METHOD_SAME_SYNCHRONOUS alpha.ask", "method", "method",
            "alpha.ask is not synchronous any more: peers and peers",
        ),
    ),
    case(
        "a class more",
        spec(""),
        asked(""),
        tells(
            "SOURCE CLASS_ADDED class alpha", "", "class",
            "class alpha (10) is new, with 1 method: peers of the old version know none of it",
        ),
    ),
    case(
        "another name of a method",
        asked("size:long"),
        asked("size:long").replace('"ask"', '"demand-all"'),
        breaks(
            "SOURCE METHOD_RENAMED alpha.demand-all", "method", "method",
            "alpha.ask (10.20) is called alpha.demand-all: code has to use alpha.DemandAll instead"
            " of alpha.Ask; the bytes are the same",
        ),
    ),
    case(
        "a method more",
        spec('<class name="alpha" index="10">\n</class>'),
        asked(""),
        tells(
            "SOURCE METHOD_ADDED alpha.ask", "", "method",
            "clients can send alpha.ask (10.20): servers of the old version do not know it",
        ),
    ),
    case(
        "spaces and hyphens are the same",
        asked("").replace('"ask"', '"ask twice"'),
        asked("").replace('"ask"', '"ask-twice"'),
    ),
]  # fmt: skip


@pytest.mark.parametrize("found", CASES, ids=lambda case: case.id)
def test_what_is_found(found: Case, tmp_path: Path) -> None:
    check(found, tmp_path)
