"""A private RabbitMQ node for tests, made from Debian's package `rabbitmq-server`.

A node has everything to itself: ports on 127.0.0.1, a folder with its configuration, data and log,
an Erlang cookie, and a name server (epmd). It is started without the package's service and its
user, so it neither meets nor disturbs a broker that the machine runs. Only processes started here
are ever ended, by their process id; should the tests be killed, the kernel ends them (`setpriv`).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.broker.certificates import Certificates
from tests.broker.node_files import (
    HOST,
    definitions,
    environment,
    free_port,
    tls_config,
    write_files,
)

# The scripts in /usr/sbin change to the user rabbitmq and to its cookie; these are what they call.
SCRIPTS = Path("/usr/lib/rabbitmq/bin")
SERVER = SCRIPTS / "rabbitmq-server"
HOW_TO_GET = "apt-get install rabbitmq-server"
# Seconds. A start takes five to eight where two processors are free, and longer on a busy machine.
START_TIMEOUT = 50.0
STOP_TIMEOUT = 20.0
CTL_TIMEOUT = 30.0
CONNECT_TIMEOUT = 5.0


class NodeError(Exception):
    """The node did not start or refused a command; the message has what it printed."""


class RabbitMQNode:
    """A node that is described when made, runs from `start()` to `stop()`, and can start again.

    `config` is text for rabbitmq.conf and wins over what stands there by default. `plugins` are
    names as `rabbitmq-plugins` has them. With `certificates` the node listens for TLS as well.
    `users` are names and passwords; all of them may do everything in all `virtual_hosts`.

    Ports stay the same over restarts, so that a client can come back.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config: str = "",
        plugins: Sequence[str] = (),
        certificates: Certificates | None = None,
        users: Mapping[str, str | None] | None = None,
        virtual_hosts: Sequence[str] = ("/",),
    ) -> None:
        self.folder = folder
        self.host = HOST
        self.port = free_port()
        self.tls_port = free_port() if certificates else 0
        self.name = f"test-{self.port}@localhost"
        self._epmd_port = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._environment = environment(folder, self.name, self._epmd_port)
        imported = definitions({"guest": "guest"} if users is None else users, virtual_hosts)
        tls = tls_config(self.tls_port, certificates) if certificates else ""
        write_files(
            folder,
            {
                "rabbitmq-env.conf": "",
                "enabled_plugins": f"[{','.join(plugins)}].\n",
                "definitions.json": json.dumps(imported),
                # A machine short of disk must not block the connections of a test.
                "rabbitmq.conf": f"listeners.tcp.1 = {HOST}:{self.port}\n"
                f"load_definitions = {folder / 'definitions.json'}\n"
                f"disk_free_limit.absolute = 1MB\n{tls}{config}\n",
            },
        )

    def __enter__(self) -> RabbitMQNode:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- running ------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the node's process is there; a frozen one is."""
        return self._server is not None and self._server.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the running Erlang machine; NodeError when the node does not run."""
        if self._server is None or self._server.poll() is not None:
            raise NodeError(f"{self.name} does not run")
        return self._server.pid

    @property
    def log(self) -> str:
        """What the node has logged so far, over all its starts."""
        file = self.folder / "log" / f"{self.name}.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def log_of(self, connection_name: str) -> str:
        """Return what the node has logged about the connections that gave themselves this name."""
        lines = [(line.split(" ", 4) + [""] * 4)[3:5] for line in self.log.splitlines()]
        named = {pid for pid, text in lines if f" - {connection_name}" in text}
        return "\n".join(text for pid, text in lines if pid in named)

    def start(self) -> None:
        """Start the node and return when it serves; NodeError with its log when it does not."""
        if self.running:
            raise NodeError(f"{self.name} runs already")
        atexit.register(self.close)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """Shut the node down in order: its clients are told, and their connections closed."""
        if self._server is not None:
            self.thaw()
            self._end(self._server, signal.SIGTERM)
            self._server = None

    def kill(self) -> None:
        """End the node at once, as a power cut would; its clients' sockets are reset or closed."""
        if self._server is not None:
            self._end(self._server, signal.SIGKILL)
            self._server = None

    def close(self) -> None:
        """End everything that was started for this node, quickly; it may be called twice."""
        self.kill()
        if self._epmd is not None:
            self._end(self._epmd, signal.SIGKILL)
            self._epmd = None
        atexit.unregister(self.close)

    def freeze(self) -> None:
        """Halt the node, sockets open and silent, until `thaw()`; commands to it would wait."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def thaw(self) -> None:
        """Let a frozen node go on; it first reads all that came in the meantime."""
        if self.running:
            os.kill(self.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep the node frozen for the length of a `with` block."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    # ---- talking to it ------------------------------------------------------------------------

    def url(
        self,
        user: str = "guest",
        password: str = "guest",
        virtual_host: str = "/",
        *,
        tls: bool = False,
        host: str = HOST,
    ) -> str:
        """Return the AMQP URI of the node, everything in it percent-encoded as it must be."""
        scheme, port = ("amqps", self.tls_port) if tls else ("amqp", self.port)
        who = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"{scheme}://{who}@{host}:{port}/{quote(virtual_host, safe='')}"

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl (about half a second of processor time) and return what it prints."""
        command = [str(SCRIPTS / "rabbitmqctl"), "--quiet", "--node", self.name, *arguments]
        return self._run(command)

    def eval(self, expression: str) -> str:
        """Evaluate an Erlang expression in the node (5 ms); return its value as Erlang prints."""
        # By a random name: the node refuses one that it takes for a caller who has not yet gone.
        command = ["erl_call", "-r", "-sname", self.name, "-e"]
        answer = self._until_connected(lambda: self._run(command, f"{expression}.\n"))
        if not answer.startswith("{ok, "):
            raise NodeError(f"{expression!r} gave {answer}")
        return answer.removeprefix("{ok, ").removesuffix("}")

    def list_connections(self, *columns: str) -> list[dict[str, Any]]:
        """Return what rabbitmqctl list_connections tells, a dict for each connection.

        Without `columns` it tells user, peer_host, peer_port and state. Others are name, vhost,
        ssl, auth_mechanism, protocol, client_properties, frame_max, channel_max, timeout (the
        heartbeat), channels, peer_cert_subject.
        """
        listed: list[dict[str, Any]] = json.loads(
            self.ctl("list_connections", *columns, "--formatter", "json")
        )
        return listed

    def connection_count(self) -> int:
        """Return how many AMQP connections are open, cheaply enough to ask in a loop."""
        return int(self.eval("length(rabbit_networking:connections())"))

    def connections_named(self, connection_name: str, *columns: str) -> list[dict[str, Any]]:
        """Return what `list_connections` tells of those that gave themselves this name."""
        given = ["connection_name", "longstr", connection_name]
        listed = self.list_connections("client_properties", *columns)
        return [row for row in listed if given in row["client_properties"]]

    def close_connection(self, connection_name: str, reason: str) -> None:
        """Close one connection with connection.close, reply code 320 and `reason`."""
        # As text: the list is empty, without a word, when it is to show process ids as JSON.
        lines = self.ctl("list_connections", "pid", "client_properties").splitlines()
        (pid,) = (line.split()[0] for line in lines if f'_name","{connection_name}"' in line)
        self.ctl("close_connection", pid, reason)

    def close_connections(self, reason: str = "closed by a test") -> None:
        """Close all connections with connection.close, reply code 320 and `reason`."""
        self.ctl("close_all_connections", reason)

    def set_memory_alarm(self) -> None:
        """Say that memory has run out: connections that publish are told connection.blocked.

        All that are open know it when this returns: one that had published before it knew would be
        told no sooner than when it publishes again.
        """
        # As rabbitmqctl set_vm_memory_high_watermark does, in a hundredth of the time; and whoever
        # answers the questions behind it has had the alarm before.
        self.eval(
            "vm_memory_monitor:set_vm_memory_high_watermark({absolute, 1}),"
            " rabbit_alarm:get_alarms(),"
            " [catch rabbit_reader:info(P, [state]) || P <- rabbit_networking:connections()]"
        )

    def clear_memory_alarm(self) -> None:
        """Take the alarm back: those connections are told connection.unblocked."""
        self.eval("vm_memory_monitor:set_vm_memory_high_watermark(0.4)")

    # ---- its processes ------------------------------------------------------------------------

    def _start(self) -> None:
        if self._epmd is None or self._epmd.poll() is not None:
            self._epmd = self._spawn("epmd", "-port", str(self._epmd_port), "-address", HOST)
            self._await(self._epmd, self._epmd_port, b"")
        # -noinput, which the script leaves out when it is told to replace itself by the server.
        self._server = self._spawn(str(SERVER), "-noinput")
        self._await(self._server, self.port, b"AMQP\x00\x00\x09\x01")
        if self.tls_port:
            self._await(self._server, self.tls_port, b"")
        self.eval("rabbit:await_startup()")

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program that ends with us, out of reach of a Ctrl-C meant for the tests."""
        with (self.folder / "output").open("ab") as output:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *command],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _await(self, process: subprocess.Popen[bytes], port: int, greeting: bytes) -> None:
        """Wait until `port` takes a connection and, if there is a greeting, answers it."""
        deadline = time.monotonic() + START_TIMEOUT
        while not _answers(port, greeting):
            if process.poll() is not None or time.monotonic() > deadline:
                output = (self.folder / "output").read_text(errors="replace")
                raise NodeError(f"{self.name} did not start\n{output[-4000:]}\n{self.log[-4000:]}")
            time.sleep(0.05)

    def _until_connected(self, call: Callable[[], str]) -> str:
        """A node that is busy may refuse to be connected to; then nothing was done yet."""
        deadline = time.monotonic() + CONNECT_TIMEOUT
        while True:
            try:
                return call()
            except NodeError as error:
                if "failed to connect" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _run(self, command: list[str], text: str | None = None) -> str:
        """Run a command against the node, `text` on its standard input; return its output."""
        if not self.running:
            raise NodeError(f"{self.name} does not run")
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            input=text or "",
            capture_output=True,
            text=True,
            timeout=CTL_TIMEOUT,
            check=False,
        )
        if done.returncode != 0:
            raise NodeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _end(self, process: subprocess.Popen[bytes], how: signal.Signals) -> None:
        """Send one of our processes a signal and wait for its end, which SIGKILL makes certain."""
        process.send_signal(how)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int, greeting: bytes) -> bool:
    """Say whether a server at `port` takes a connection and answers `greeting`, if there is one."""
    try:
        with socket.create_connection((HOST, port), timeout=2.0) as probe:
            probe.sendall(greeting)
            return not greeting or probe.recv(1) == b"\x01"
    except OSError:
        return False
