"""A MinIO server of this machine for tests: the binary that INFERSTACK_TEST_MINIO names, in a folder of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from components.models.web_auth import auth_of
from tests.builders.programs import free_port, is_well, running

VARIABLE: Final = "INFERSTACK_TEST_MINIO"
START_S: Final = 30.0
REGION: Final = "us-east-1"


@dataclass(frozen=True)
class Minio:
    """The server at work; it is asked as its user, by the signature that pods use."""

    url: str
    environment: dict[str, str]

    def ask(self, method: str, path: str, content: bytes = b"") -> bytes:
        """What it answers to its user; it must not refuse."""
        auth = auth_of("s3", REGION, self.environment)
        answer = httpx.request(method, f"{self.url}/{path}", content=content, auth=auth)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.content


@contextmanager
def minio(folder: Path, address: str) -> Iterator[Minio]:
    """The server, with what it keeps in a folder; the test is skipped where no binary is named."""
    if not (binary := os.environ.get(VARIABLE)):
        pytest.skip(f"needs MinIO: set {VARIABLE} to the server's binary")
    url = f"http://{address}:{free_port(address)}"
    user, password = "tester", secrets.token_hex(16)
    keys = {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": password}
    command = [binary, "server", "--quiet", "--address", url.removeprefix("http://"), str(folder / "data")]
    environ = {**os.environ, "MINIO_ROOT_USER": user, "MINIO_ROOT_PASSWORD": password, "HOME": str(folder)}
    with running(command, folder, environ=environ) as program:
        program.until(lambda: is_well(f"{url}/minio/health/live"), limit_s=START_S)
        yield Minio(url, keys)
