"""Certificates for tests: an authority of our own, right ones and wrong ones, all in one folder."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

# The client certificate's common name, which the broker takes for the user's name.
CLIENT_NAME = "certified-client"


@dataclass(frozen=True)
class Certificate:
    """The files of one certificate: `chain` and `key`, both PEM."""

    chain: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return a context for a server that shows this certificate and asks for none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


class Certificates:
    """An authority and what it issued, as files in `folder`; nothing outside trusts it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self._stranger = trustme.CA()
        self.authority = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.authority))
        now = datetime.now(UTC)
        self.server = self._issue("server", "localhost", "127.0.0.1", "::1")
        self.client = self._issue("client", "client.invalid", common_name=CLIENT_NAME)
        self.wrong_host = self._issue("wrong-host", "elsewhere.invalid")
        self.expired = self._issue(
            "expired", "localhost", "127.0.0.1", "::1", not_after=now - timedelta(days=1)
        )
        # Right in everything but who signed it.
        self.untrusted = self._issue(
            "untrusted", "localhost", "127.0.0.1", "::1", authority=self._stranger
        )
        self.untrusted_client = self._issue(
            "untrusted-client", "c.invalid", common_name=CLIENT_NAME, authority=self._stranger
        )

    def client_context(self, certificate: Certificate | None = None) -> ssl.SSLContext:
        """Return a context for a client that trusts the authority and checks the host name."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if certificate is not None:
            context.load_cert_chain(certificate.chain, certificate.key)
        return context

    def _issue(
        self,
        name: str,
        *identities: str,
        common_name: str | None = None,
        not_after: datetime | None = None,
        authority: trustme.CA | None = None,
    ) -> Certificate:
        """Issue a certificate for `identities` and write `name`.pem and `name`.key."""
        issued = (authority or self._authority).issue_cert(
            *identities,
            common_name=common_name,
            not_before=datetime.now(UTC) - timedelta(days=2),
            not_after=not_after or datetime.now(UTC) + timedelta(days=2),
        )
        files = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        issued.private_key_pem.write_to_path(str(files.key))
        for number, part in enumerate(issued.cert_chain_pems):
            part.write_to_path(str(files.chain), append=number > 0)
        return files
