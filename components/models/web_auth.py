"""How a pod proves to a store who it is: a signed request (S3 and what speaks like it), or a token of Google Cloud.

Credentials come from the environment (a Secret) or from the metadata server of the node (workload identity), are used
for the request at hand, and are never written anywhere.

Source of the signature: AWS Signature Version 4,
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

import httpx

from schemas.errors import PreflightError, UsageError

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
TOKEN_URL: Final = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
EARLY_S: Final = 60.0
DEFAULT_REGION: Final = "us-east-1"


def auth_of(kind: str, region: str = "", environ: Mapping[str, str] = os.environ) -> httpx.Auth | None:
    """The way of proving who one is that arguments name: `none`, `s3` or `gcs`; None for nobody.

    Without a key in the environment, S3 is asked anonymously, as public buckets allow.

    Raises:
        UsageError: there is no such way.
    """
    match kind:
        case "none":
            return None
        case "s3":
            key, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
            region = region or environ.get("AWS_REGION", "") or DEFAULT_REGION
            return S3Auth(key, secret, region, environ.get("AWS_SESSION_TOKEN", "")) if key else None
        case "gcs":
            return GoogleAuth()
        case _:
            raise UsageError(f"no way of authentication: {kind}")


@dataclass(frozen=True)
class S3Auth(httpx.Auth):
    """Signs each request with a key; the body is not part of the signature, TLS and our own digests guard it."""

    key: str
    secret: str = field(repr=False)
    region: str
    token: str = field(default="", repr=False)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the headers that prove it."""
        moment = self.now().strftime("%Y%m%dT%H%M%SZ")
        request.headers["x-amz-date"] = moment
        request.headers.setdefault("x-amz-content-sha256", UNSIGNED)
        if self.token:
            request.headers["x-amz-security-token"] = self.token
        signed = sorted(name for name in request.headers if name in ("host", "range") or name.startswith("x-amz-"))
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        canonical = "\n".join([
            request.method, _canonical_path(request.url), _canonical_query(request.url),
            *(f"{name}:{request.headers[name].strip()}" for name in signed), "",
            ";".join(signed), request.headers["x-amz-content-sha256"],
        ])  # fmt: skip
        text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self.secret}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.digest(key, part.encode(), "sha256")
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key}/{scope},SignedHeaders={';'.join(signed)},Signature={key.hex()}"
        )
        yield request


def _canonical_path(url: httpx.URL) -> str:
    return quote(unquote(url.path), safe="/-_.~") or "/"


def _canonical_query(url: httpx.URL) -> str:
    pairs = sorted((quote(key, safe="-_.~"), quote(value, safe="-_.~")) for key, value in url.params.multi_items())
    return "&".join(f"{key}={value}" for key, value in pairs)


class GoogleAuth(httpx.Auth):
    """A token of the pod's own service account, from the metadata server; asked for again before it expires."""

    def __init__(self, token_url: str = TOKEN_URL) -> None:
        self._url = token_url
        self._token, self._until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the token."""
        if time.monotonic() >= self._until:
            answer = yield httpx.Request("GET", self._url, headers={"Metadata-Flavor": "Google"})
            answer.read()
            if answer.status_code != 200:
                raise PreflightError(
                    "this pod has no identity of Google Cloud",
                    why=f"the metadata server answers {answer.status_code}",
                    remedy="GKE: switch on workload identity, and run the pod as the service account `models`",
                )
            told = answer.json()
            self._token = told["access_token"]
            self._until = time.monotonic() + float(told["expires_in"]) - EARLY_S
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
