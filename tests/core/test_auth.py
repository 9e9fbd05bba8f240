"""Authentication methods: their octets, the choice among them, and that they keep their secrets."""

from __future__ import annotations

import copy
import doctest
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from amqpconn import auth
from amqpconn.auth import (
    AuthMethod,
    amqplain_auth,
    anonymous_auth,
    external_auth,
    plain_auth,
)
from amqpconn.core.handshake import OpenRequest
from amqpconn.errors import AMQPError, HandshakeFailed, InvalidParameter, NoCommonMechanism
from amqpconn.mechanisms import choose_mechanism

CANARY = "s3cr3t-canary"
ALL = [
    plain_auth("guest", CANARY),
    amqplain_auth("guest", CANARY),
    external_auth(CANARY),
    anonymous_auth(CANARY),
]


class Silent(AuthMethod):
    """A user's own mechanism with nothing to say."""

    name = "X-SILENT"

    def __init__(self) -> None:
        self.password = CANARY

    def initial_response(self) -> bytes:
        return b""


def everything_shown(error: BaseException) -> str:
    """All the text there is about an error, contexts and causes included."""
    return "".join([str(error), repr(error), repr(error.args), *traceback.format_exception(error)])


# --- octets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "name", "response"),
    [
        (plain_auth("guest", "guest"), "PLAIN", b"\0guest\0guest"),
        # The examples of RFC 4616, section 4.
        (plain_auth("tim", "tanstaaftanstaaf"), "PLAIN", b"\0tim\0tanstaaftanstaaf"),
        (plain_auth("Kurt", "xipj3plmq", "Ursel"), "PLAIN", b"Ursel\0Kurt\0xipj3plmq"),
        (plain_auth("", "a-token"), "PLAIN", b"\0\0a-token"),
        (plain_auth("ü", "€"), "PLAIN", b"\0\xc3\xbc\0\xe2\x82\xac"),
        (
            amqplain_auth("guest", "gu\0st"),
            "AMQPLAIN",
            b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05gu\0st",
        ),
        (
            amqplain_auth("ü", ""),
            "AMQPLAIN",
            b"\x05LOGINS\0\0\0\x02\xc3\xbc\x08PASSWORDS\0\0\0\0",
        ),
        (external_auth(), "EXTERNAL", b""),
        (external_auth("ü"), "EXTERNAL", b"\xc3\xbc"),
        (anonymous_auth(), "ANONYMOUS", b""),
        (anonymous_auth("me@example.org"), "ANONYMOUS", b"me@example.org"),
    ],
    ids=lambda value: value.name if isinstance(value, AuthMethod) else "",
)
def test_response(method: AuthMethod, name: str, response: bytes) -> None:
    assert method.name == name
    assert method.initial_response() == response
    assert method.initial_response() == response, "a second attempt begins anew"


@pytest.mark.parametrize("method", [*ALL, Silent()], ids=str)
def test_no_answer_to_a_challenge(method: AuthMethod) -> None:
    method.initial_response()
    with pytest.raises(HandshakeFailed) as caught:
        method.respond(CANARY.encode())
    assert f"the mechanism {method.name} has no answer" in caught.value.what
    assert "13 bytes" in caught.value.what
    assert CANARY not in everything_shown(caught.value)


def test_a_mechanism_needs_an_initial_response() -> None:
    class Unfinished(AuthMethod):
        name = "X-UNFINISHED"

    with pytest.raises(NotImplementedError, match="Unfinished has no initial_response"):
        Unfinished().initial_response()


# --- arguments ---------------------------------------------------------------------------------

FACTORIES: list[tuple[Callable[..., AuthMethod], list[str]]] = [
    (plain_auth, ["username", "password", "authorization_id"]),
    (amqplain_auth, ["username", "password"]),
    (external_auth, ["authorization_id"]),
    (anonymous_auth, ["trace"]),
]
ARGUMENTS = [(make, names, name) for make, names in FACTORIES for name in names]


def refused(make: Callable[..., AuthMethod], names: list[str], name: str, value: Any) -> AMQPError:
    arguments = {**dict.fromkeys(names, CANARY), name: value}
    with pytest.raises(InvalidParameter) as caught:
        make(**arguments)
    assert CANARY not in everything_shown(caught.value)
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize("value", [CANARY.encode(), None, 5, [CANARY]], ids=type)
@pytest.mark.parametrize(("make", "names", "name"), ARGUMENTS)
def test_only_str(
    make: Callable[..., AuthMethod], names: list[str], name: str, value: object
) -> None:
    error = refused(make, names, name, value)
    assert error.what == f"{name} must be a str, not {type(value).__name__}"


@pytest.mark.parametrize("surrogate", [chr(0xD800), chr(0xDFFF)], ids=ascii)
@pytest.mark.parametrize(("make", "names", "name"), ARGUMENTS)
def test_no_surrogates(
    make: Callable[..., AuthMethod], names: list[str], name: str, surrogate: str
) -> None:
    error = refused(make, names, name, CANARY + surrogate)
    assert error.what == f"{name} contains a surrogate, which has no UTF-8 form"


@pytest.mark.parametrize(
    ("make", "names", "name"),
    [entry for entry in ARGUMENTS if entry[0] in (plain_auth, external_auth)],
)
@pytest.mark.parametrize("value", [f"{CANARY}\0", f"\0{CANARY}", "\0"], ids=repr)
def test_no_nul(make: Callable[..., AuthMethod], names: list[str], name: str, value: str) -> None:
    assert f"{name} contains NUL" in refused(make, names, name, value).what


# --- secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [*ALL, Silent()], ids=str)
def test_repr(method: AuthMethod) -> None:
    shown = f"{method} {method!r} {[method]}"
    assert method.name in shown
    assert CANARY not in shown


def test_own_class_in_repr() -> None:
    assert repr(Silent()) == "<Silent for X-SILENT>"
    assert repr(plain_auth("a", "b")) == "<AuthMethod for PLAIN>"


@pytest.mark.parametrize("method", ALL, ids=str)
def test_attributes_show_no_secret(method: AuthMethod) -> None:
    assert not hasattr(method, "__dict__")
    data = {name for cls in type(method).__mro__ for name in getattr(cls, "__slots__", ())}
    assert len(data) == 3
    for name in data:
        value = getattr(method, name)
        assert CANARY not in f"{value!r} {value}"
        assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("method", [*ALL, Silent()], ids=str)
def test_not_pickled(method: AuthMethod, protocol: int) -> None:
    with pytest.raises(TypeError, match="neither pickled nor copied, because") as caught:
        pickle.dumps(method, protocol)
    assert CANARY not in everything_shown(caught.value)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_not_copied(copier: Callable[[AuthMethod], AuthMethod]) -> None:
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        copier(ALL[0])


# --- choice ------------------------------------------------------------------------------------

PLAIN, AMQPLAIN, EXTERNAL, ANONYMOUS = ALL


@pytest.mark.parametrize(
    ("methods", "offered", "chosen"),
    [
        ([PLAIN], ["PLAIN"], PLAIN),
        ([PLAIN, AMQPLAIN], ["AMQPLAIN", "PLAIN"], PLAIN),
        ([AMQPLAIN, PLAIN], ["PLAIN", "AMQPLAIN"], AMQPLAIN),
        ([EXTERNAL, PLAIN], ["PLAIN"], PLAIN),
        # A mechanism that contains another's name is another one.
        ([PLAIN], ["AMQPLAIN", "PLAIN"], PLAIN),
        ((PLAIN, EXTERNAL), ("X-PLAIN", "EXTERNAL"), EXTERNAL),
    ],
)
def test_the_callers_order_decides(
    methods: list[AuthMethod], offered: list[str], chosen: AuthMethod
) -> None:
    assert choose_mechanism(methods, offered) is chosen


@pytest.mark.parametrize(
    ("offered", "shown"),
    [
        (["AMQPLAIN", "X-\x1b[2J"], r"'AMQPLAIN', 'X-\x1b[2J'"),
        (["plain"], "'plain'"),
        ([], "nothing"),
    ],
    ids=str,
)
def test_none_in_common(offered: list[str], shown: str) -> None:
    with pytest.raises(NoCommonMechanism) as caught:
        choose_mechanism([PLAIN, EXTERNAL], offered)
    assert f"the server offers {shown} for authentication" in caught.value.what
    assert "the client has 'PLAIN', 'EXTERNAL'" in caught.value.what
    assert CANARY not in everything_shown(caught.value)


NAMELESS = AuthMethod()


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ([], "list of authentication methods is empty"),
        ((), "list of authentication methods is empty"),
        (PLAIN, "must be a list"),
        ("PLAIN", "must be a list"),
        ([PLAIN, "PLAIN"], "is an AuthMethod, not str"),
        ([("guest", CANARY)], "is an AuthMethod, not tuple"),
        ([PLAIN, NAMELESS], "AuthMethod needs a name"),
    ],
    ids=str,
)
def test_bad_lists(methods: Any, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message) as caught:
        OpenRequest(methods, "en_US", "/")
    assert CANARY not in everything_shown(caught.value)


def test_own_mechanism_is_chosen() -> None:
    own = Silent()
    assert choose_mechanism([own, PLAIN], ["PLAIN", "X-SILENT"]) is own


def test_the_example_in_the_documentation() -> None:
    examples = doctest.DocTestFinder().find(AuthMethod, globs=vars(auth) | {"__name__": "example"})
    runner = doctest.DocTestRunner()
    for example in examples:
        runner.run(example, clear_globs=False)
    assert runner.summarize(verbose=False).attempted > 0
    assert runner.failures == 0
    cram = next(example for example in examples if example.examples).globs["CramMD5"]
    # The example of RFC 2195, section 2.
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    method = cram("tim", "tanstaaftanstaaf")
    assert method.initial_response() == b""
    assert method.respond(challenge) == b"tim b913a602c7eda7a495b4e6e7334d3890"
