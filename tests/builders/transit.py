"""A key server: the transit engine of HashiCorp Vault, which Pulumi asks for keys such as `hashivault://one`.

A real one where INFERSTACK_TEST_VAULT names its program (`vault` or `bao`), in its development mode; else a fake, which
answers the two requests that Pulumi makes of it, and encrypts in truth.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken

from tests.builders.programs import free_port
from tests.fakes import until

VARIABLE: Final = "INFERSTACK_TEST_VAULT"
HOST: Final = "127.0.0.1"
TOKEN: Final = "for-tests"
KEYS: Final = ("one", "other")


@dataclass(frozen=True)
class Transit:
    """A key server with the keys `one` and `other`."""

    port: int

    @property
    def environ(self) -> dict[str, str]:
        """What Pulumi has to be told of it."""
        return {"VAULT_SERVER_URL": f"http://{HOST}:{self.port}", "VAULT_SERVER_TOKEN": TOKEN}

    def told(self, path: str, body: Mapping[str, Any]) -> int:
        """The status that a request is answered with; 0 where nobody answers."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("POST", f"/v1/{path}", json.dumps(body), {"X-Vault-Token": TOKEN})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


@contextlib.contextmanager
def transit() -> Iterator[Transit]:
    """A block in which a key server runs."""
    named = os.environ.get(VARIABLE)
    with _real(Path(named)) if named else _fake() as server:
        yield server


@contextlib.contextmanager
def _real(program: Path) -> Iterator[Transit]:
    server = Transit(free_port())
    options = ["server", "-dev", f"-dev-root-token-id={TOKEN}", f"-dev-listen-address={HOST}:{server.port}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([program, *options, "-dev-no-store-token"], **quiet) as process:  # type: ignore[call-overload]
        try:
            until(lambda: server.told("sys/mounts/transit", {"type": "transit"}) == 204, limit_s=60)
            assert [server.told(f"transit/keys/{key}", {}) in (200, 204) for key in KEYS] == [True, True]
            yield server
        finally:
            process.terminate()


@contextlib.contextmanager
def _fake() -> Iterator[Transit]:
    server = ThreadingHTTPServer((HOST, 0), _Answering)
    server.daemon_threads = True
    server.keys = {key: Fernet(Fernet.generate_key()) for key in KEYS}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Transit(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Answering(BaseHTTPRequestHandler):
    """Encrypts and decrypts what comes in base64, under keys that go with the server."""

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        *_, verb, name = self.path.split("/")
        key = self.server.keys.get(name)  # type: ignore[attr-defined]
        try:
            if self.headers.get("X-Vault-Token") != TOKEN:
                self._answer(403, {"errors": ["permission denied"]})
            elif key is None:
                self._answer(400, {"errors": ["encryption key not found"]})
            elif verb == "encrypt":
                self._answer(
                    200, {"data": {"ciphertext": f"vault:v1:{key.encrypt(body['plaintext'].encode()).decode()}"}}
                )
            else:
                text = key.decrypt(body["ciphertext"].removeprefix("vault:v1:")).decode()
                self._answer(200, {"data": {"plaintext": text}})
        except InvalidToken:
            self._answer(400, {"errors": ["cipher: message authentication failed"]})

    do_POST = do_PUT

    def log_message(self, *_: object) -> None:
        """Nothing: tests have no log of their own."""

    def _answer(self, status: int, told: Mapping[str, Any]) -> None:
        text = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
