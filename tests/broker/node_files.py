"""What a private RabbitMQ node is made of: ports, configuration, users, cookie, environment."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import random
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.broker.certificates import Certificates

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens at.

    It lies below the range that the kernel takes for outgoing connections, so that none of those
    has it before the node does, or while the node is down.
    """
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex((HOST, port)) != 0:
                with contextlib.suppress(OSError):
                    probe.bind((HOST, port))
                    return port


def definitions(users: Mapping[str, str | None], virtual_hosts: Sequence[str]) -> dict[str, Any]:
    """Return RabbitMQ's own import format: each user may do everything in each virtual host.

    A user without a password (None) comes in with a certificate or not at all.
    """

    def hashed(password: str | None) -> str:
        if password is None:
            return ""
        salt = secrets.token_bytes(4)
        return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()

    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [
            {
                "name": name,
                "password_hash": hashed(password),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
            }
            for name, password in users.items()
        ],
        "vhosts": [{"name": name} for name in virtual_hosts],
        "permissions": [
            {"user": user, "vhost": host, **everything} for user in users for host in virtual_hosts
        ],
    }


def tls_config(port: int, certificates: Certificates) -> str:
    """Return configuration for a TLS listener; client certificates are welcome, not demanded."""
    return f"""\
listeners.ssl.1 = {HOST}:{port}
ssl_options.cacertfile = {certificates.authority}
ssl_options.certfile = {certificates.server.chain}
ssl_options.keyfile = {certificates.server.key}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
ssl_cert_login_from = common_name
"""


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Make the node's folder, with a new Erlang cookie, which only its owner may read."""
    folder.mkdir(parents=True)
    cookie = folder / ".erlang.cookie"
    cookie.write_text(secrets.token_hex(16))
    cookie.chmod(0o400)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def environment(folder: Path, name: str, epmd_port: int) -> dict[str, str]:
    """Return all that the node's programs see; a RABBITMQ_* of the machine's is not in it."""
    local = "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(folder),  # where the cookie is
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": HOST,
        "RABBITMQ_NODENAME": name,
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": local,
        "RABBITMQ_CTL_ERL_ARGS": local,
        # The script replaces itself by the server, so the process id we have is the server's.
        "RABBITMQ_ALLOW_INPUT": "true",
    }
