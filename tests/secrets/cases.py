"""Every way in which something with a secret in it can fail, and who has the secret then.

A case is a function of a `Stage` that fails. To add one is to add a line: `FAILURES` for what
happens with a peer, `MISTAKES` for what is wrong before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable

from amqpconn import (
    Credentials,
    Secret,
    amqplain_auth,
    external_auth,
    fetched_auth,
    plain_auth,
)
from amqpconn.testing import Cut, Ignore, On, Refuse, Reset, Send
from amqpconn_spec.v0_9_1.connection import OpenOk
from tests.secrets.plays import (
    ann,
    closed_by_another,
    deaf,
    nobody_listens,
    on_secure_ok,
    on_start_ok,
    on_update,
    parsed,
    raw,
    renewal,
    renewal_that_has_nothing,
    sent_ahead,
    update_in_another_version,
    update_when_closed,
    update_with,
    url,
)
from tests.secrets.search import PASSWORD, TOKEN
from tests.secrets.stage import TOO_LONG, USER, Stage

FAILURES: dict[str, Callable[[Stage], object]] = {
    "PLAIN refused": lambda stage: stage.by_url(),
    "PLAIN refused, by hand": lambda stage: stage.by_hand(),
    "AMQPLAIN refused": lambda stage: stage.by_url("auth_mechanism=AMQPLAIN"),
    "AMQPLAIN refused, by hand": lambda stage: stage.by_hand(amqplain_auth("ann", PASSWORD)),
    "EXTERNAL not offered": lambda stage: stage.by_hand(external_auth(PASSWORD)),
    "refused with another code": on_start_ok(Refuse(530, "no")),
    "hung up after the login": on_start_ok(Cut()),
    "reset after the login": on_start_ok(Reset()),
    "garbage after the login": on_start_ok(Send(b"garbage and more")),
    "out of order after the login": on_start_ok(Send(OpenOk())),
    "silent after the login": lambda stage: (
        stage.script(On("connection.start-ok", Ignore())),
        stage.by_hand(timeout=0.1),
    ),
    "hung up before the login": deaf,
    "sent ahead and refused": sent_ahead(),
    "sent ahead and hung up": sent_ahead(On("connection.start-ok", Cut())),
    "closed by another": closed_by_another,
    "login that cannot be written": lambda stage: (stage.unwritable(), stage.by_url()),
    "login that is too large": lambda stage: stage.by_hand(client_properties={"p": "x" * 9000}),
    "locale that is too long": lambda stage: stage.by_url(f"locale={TOO_LONG}"),
    "credentials refused": lambda stage: stage.by_hand(fetched_auth(ann)),
    "credentials refused, by URL": lambda stage: stage.by_url(credentials=ann),
    "credentials refused, AMQPLAIN": lambda stage: stage.by_hand(fetched_auth(ann, "AMQPLAIN")),
    "credentials with NUL": lambda stage: stage.by_hand(
        fetched_auth(lambda: Credentials("ann", PASSWORD + "\0"))
    ),
    "credentials of no kind": lambda stage: stage.by_hand(
        fetched_auth(lambda: PASSWORD)  # type: ignore[arg-type, return-value]
    ),
    "credentials that cannot be written": lambda stage: (
        stage.unwritable(),
        stage.by_url(credentials=ann),
    ),
    **{
        f"{type(response).__name__} of a mechanism{' on a thread' * may_block}": raw(
            response, may_block
        )
        for response in (TOKEN, PASSWORD, [PASSWORD])
        for may_block in (False, True)
    },
    "silent after the credentials": lambda stage: (
        stage.script(On("connection.start-ok", Ignore())),
        stage.by_hand(fetched_auth(ann), timeout=0.1),
    ),
    "secure-ok refused": on_secure_ok(Refuse(403, "no")),
    "hung up after secure-ok": on_secure_ok(Cut()),
    "challenged without an answer": lambda stage: (
        stage.authenticate(lambda *_: b"?"),
        stage.by_url(),
    ),
    "virtual host refused": lambda stage: (
        stage.authenticate(lambda *_: True),
        stage.driver.connect(stage.peer.url(USER, virtual_host="nowhere")),
    ),
    "update refused": on_update(Refuse(530, "no")),
    "update without an answer": on_update(Ignore()),
    "hung up after update": on_update(Cut()),
    "update that cannot be written": on_update(reason=TOO_LONG),
    "update when closed": update_when_closed,
    "update in a version without it": update_in_another_version,
    "update with a list": update_with([PASSWORD]),
    "update with a table": update_with({PASSWORD: 1}),
    "update with a surrogate": update_with(PASSWORD + "\ud800"),
    "renewal refused": renewal(Refuse(530, "no")),
    "hung up after a renewal": renewal(Cut()),
    "renewal that has nothing": renewal_that_has_nothing,
    "nobody listens": nobody_listens,
    "TLS where there is none": lambda stage: stage.driver.connect(
        f"amqps://{USER}@127.0.0.1:{stage.peer.port}/"
    ),
    "an option that does not exist": lambda stage: stage.by_url(nonsense=1),
    "an option that is wrong": lambda stage: stage.by_url(heartbeat=-1),
}

#: URLs that cannot be used, with the password in each place where it can be by mistake.
WRONG_URLS = (
    f"http://ann:{PASSWORD}@h/",
    f"amqp:/ann:{PASSWORD}@h/",
    f"ann:{PASSWORD}@h",
    f"amqp://ann:{PASSWORD}/x@h/",
    f"amqp://ann:{PASSWORD}#@h/",
    f"amqp://ann:{PASSWORD}?@h/",
    f"amqp://ann:{PASSWORD}@@h/",
    f"amqp://ann:{PASSWORD}%zz@h/",
    f"amqp://ann:{PASSWORD}%ff@h/",
    f"amqp://ann:{PASSWORD}\x01@h/",
    f"amqp://ann:{PASSWORD} @h/",
    f"amqp://ann:{PASSWORD}\ud800@h/",
    f"amqp://ann:{PASSWORD}:h/",
    f"amqp://{PASSWORD}:5672:5672/",
    f"amqp://ann:{PASSWORD}",
    f"amqp://ann@{PASSWORD}!/",
    f"amqp://ann@[{PASSWORD}]/",
    f"amqp://:{PASSWORD}@h:{PASSWORD}/",
    f"amqp://@{PASSWORD}/",
    f"amqp://ann:{PASSWORD}@h/a/b",
    f"amqp://ann:{PASSWORD}@h/{'v' * 300}",
    f"amqp://ann:{PASSWORD}@h/?{PASSWORD}=1",
    f"amqp://ann:{PASSWORD}@h/?heartbeat={PASSWORD}",
    f"amqp://ann:{PASSWORD}@h/?connection_timeout={PASSWORD}",
    f"amqp://ann:{PASSWORD}@h/?auth_mechanism={PASSWORD}",
    f"amqp://ann:{PASSWORD}@h/?locale={PASSWORD}%00",
    f"amqp://ann:{PASSWORD}@h/?server_hostname={PASSWORD}",
    f"amqps://ann:{PASSWORD}@h/?server_hostname={PASSWORD}!",
    f"amqps://ann:{PASSWORD}@h/?keyfile={PASSWORD}",
    f"amqps://ann:{PASSWORD}@h/?cafile=/nowhere/at/all",
    f"amqp://ann:{PASSWORD}%00@h/",
)

MISTAKES: dict[str, Callable[[Stage], object]] = {
    "PLAIN with NUL": lambda _: plain_auth("ann", PASSWORD + "\0"),
    "PLAIN with a surrogate": lambda _: plain_auth("ann", PASSWORD + "\ud800"),
    "PLAIN with bytes": lambda _: plain_auth("ann", TOKEN),  # type: ignore[arg-type]
    "PLAIN with a wrong user": lambda _: plain_auth("ann\0", PASSWORD),
    "PLAIN with a wrong identity": lambda _: plain_auth("ann", PASSWORD, "\0"),
    "AMQPLAIN with a surrogate": lambda _: amqplain_auth("ann", PASSWORD + "\ud800"),
    "AMQPLAIN with bytes": lambda _: amqplain_auth("ann", TOKEN),  # type: ignore[arg-type]
    "AMQPLAIN with a wrong user": lambda _: amqplain_auth("\ud800", PASSWORD),
    "EXTERNAL with NUL": lambda _: external_auth(PASSWORD + "\0"),
    "credentials of bytes": lambda _: Credentials("ann", TOKEN),  # type: ignore[arg-type]
    "credentials without a user": lambda _: Credentials(None, PASSWORD),  # type: ignore[arg-type]
    "credentials that never held": lambda _: Credentials("ann", PASSWORD, -1.0),
    "secret of no kind": lambda _: Secret([PASSWORD]),  # type: ignore[arg-type]
    "secret that never held": lambda _: Secret(TOKEN, -1.0),
    "secret with a surrogate": lambda _: Secret(PASSWORD + "\ud800"),
    "no list of methods": lambda stage: stage.open_with(PASSWORD),
    "a password for a method": lambda stage: stage.open_with([PASSWORD]),
    **{f"URL {number}": url(text) for number, text in enumerate(WRONG_URLS)},
    **{f"URL {number}, parsed": parsed(text) for number, text in enumerate(WRONG_URLS[:-2])},
}
