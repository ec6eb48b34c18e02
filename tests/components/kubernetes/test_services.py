"""Which namespace an address leads to."""

from __future__ import annotations

import pytest

from components.kubernetes.services import namespace_of


@pytest.mark.parametrize(
    ("address", "namespace"),
    [
        ("http://minio.team-b.svc", "team-b"),
        ("http://minio.team-b.svc.cluster.local:9000/bucket", "team-b"),
        ("minio.team-b.svc.:9000", "team-b"),
        ("http://minio:9000", "own"),
        ("https://minio.example.org", ""),
        ("https://s3.eu-west-1.amazonaws.com", ""),
        ("http://10.0.0.1:9000", ""),
        ("", ""),
    ],
)
def test_the_address_of_a_service_tells_its_namespace(address: str, namespace: str) -> None:
    assert namespace_of(address, "own") == namespace
