"""Proofs of identity: AWS's own example of a signature, a service that checks them, tokens of Google Cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
import pytest

from components.models.web_auth import GoogleAuth, S3Auth, auth_of
from schemas.errors import PreflightError, UsageError
from tests.components.models.web_store import WebStore, web_store

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def signed(request: httpx.Request, auth: httpx.Auth) -> httpx.Request:
    """The request as it would be sent."""
    return next(auth.auth_flow(request))


def an_s3_auth(**changes: str) -> S3Auth:
    return S3Auth(KEY, SECRET, "us-east-1", now=lambda: datetime(2013, 5, 24, tzinfo=UTC), **changes)


def test_a_signature_is_that_of_aws_s_published_example() -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "GET Object"
    request = httpx.Request(
        "GET", "https://examplebucket.s3.amazonaws.com/test.txt",
        headers={"Range": "bytes=0-9", "x-amz-content-sha256": EMPTY},
    )  # fmt: skip
    said = signed(request, an_s3_auth()).headers["Authorization"]
    assert "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date" in said
    assert said.endswith("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")


def test_a_signature_covers_the_query_as_aws_s_example_does() -> None:
    # "Get Bucket (List Objects)" of the same page
    request = httpx.Request(
        "GET", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", headers={"x-amz-content-sha256": EMPTY}
    )
    said = signed(request, an_s3_auth()).headers["Authorization"]
    assert said.endswith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")


def test_the_secret_is_never_sent_and_never_shown() -> None:
    auth = an_s3_auth(token="session")
    request = signed(httpx.Request("PUT", "http://minio:9000/models/k/a b.xml"), auth)
    assert request.headers["x-amz-security-token"] == "session"
    assert SECRET not in str(request.headers.raw) + repr(auth)


def test_s3_without_a_key_is_asked_anonymously() -> None:
    assert auth_of("s3", environ={}) is None
    assert auth_of("none") is None


def test_a_key_in_the_environment_signs_for_the_stated_region() -> None:
    auth = auth_of("s3", "eu-west-1", {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET})
    assert "/eu-west-1/s3/" in signed(httpx.Request("GET", "https://s3/x"), auth).headers["Authorization"]  # type: ignore[arg-type]


def test_an_unknown_way_of_authentication_is_refused() -> None:
    with pytest.raises(UsageError):
        auth_of("kerberos")


def test_a_google_token_is_asked_for_once_and_sent_along() -> None:
    token = json.dumps({"access_token": "t0ken", "expires_in": 3600}).encode()

    def allowed(headers: Mapping[str, str]) -> bool:
        return headers.get("metadata-flavor") == "Google" or headers.get("authorization") == "Bearer t0ken"

    with web_store(WebStore(files={"/token": token, "/model": b"model"}, allowed=allowed)) as store:
        with httpx.Client(auth=GoogleAuth(f"{store.url}/token")) as client:
            assert [client.get(f"{store.url}/model").content for _ in range(2)] == [b"model"] * 2
        assert store.asked.count(("GET", "/token")) == 1


def test_a_pod_without_google_identity_is_told_what_to_do() -> None:
    with (
        web_store() as store,
        httpx.Client(auth=GoogleAuth(f"{store.url}/token")) as client,
        pytest.raises(PreflightError, match="no identity") as told,
    ):
        client.get(f"{store.url}/model")
    assert "workload identity" in told.value.remedy
