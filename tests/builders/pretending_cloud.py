"""A cloud that says it has made what it is asked for, between Pulumi and its real providers.

No test can have a cloud, and the state of a stack has to be as its providers leave it, with their defaults and their
notes for themselves: else they find differences that are none. Here the real provider checks and plans, what it plans
counts as made, and what only the cloud could tell is made up. Pulumi is attached to it by PULUMI_DEBUG_PROVIDERS.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN


def a_certificate() -> str:
    """A certificate that nobody uses, in base64 as GKE tells its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pretended")])
    since = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, since, since + timedelta(days=1))
    return base64.b64encode(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)).decode()


HOST: Final = "127.0.0.1"
LIMITS: Final = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
# What the cloud alone would tell and the programs need; the address is one that nobody has.
AUTH: Final = {"clusterCaCertificate": a_certificate(), "clientCertificate": "", "clientKey": ""}
TOLD: Final[Mapping[str, Any]] = {"endpoint": "192.0.2.1", "masterAuth": AUTH}
EMPTY: Final[Mapping[str, Any]] = {"boolean": False, "integer": 0, "number": 0, "array": [], "object": {}}
PASSED_ON: Final = (
    "Handshake",
    "Attach",
    "GetPluginInfo",
    "GetSchema",
    "CheckConfig",
    "DiffConfig",
    "Configure",
    "Check",
    "Diff",
    "Cancel",
)


class Pretending(provider_pb2_grpc.ResourceProviderServicer):
    """Asks a real provider, and does nothing."""

    def __init__(self, real: provider_pb2_grpc.ResourceProviderStub) -> None:
        self._real = real
        for name in PASSED_ON:
            setattr(self, name, self._passing_on(name))

    def Create(self, request: Any, context: Any) -> Any:
        """What would be made, as if it were."""
        planning, request.preview = request.preview, True
        answer = self._passing_on("Create")(request, context)
        if not planning:
            type_, asked = request.urn.split("::")[2].split("$")[-1], json_format.MessageToDict(request.properties)
            kubernetes = type_.startswith("kubernetes:")
            planned = json_format.MessageToDict(answer.properties)
            made = _an_object(asked) if kubernetes else self._a_resource(type_, asked, planned)
            answer.id = made.pop("id")
            answer.properties.Clear()
            answer.properties.update(made)
        return answer

    def Delete(self, request: Any, context: Any) -> Any:
        """Gone, as it were."""
        return empty_pb2.Empty()

    def _passing_on(self, name: str) -> Any:
        def passing_on(request: Any, context: Any) -> Any:
            try:
                return getattr(self._real, name)(request)
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())

        return passing_on

    def _a_resource(self, type_: str, asked: dict[str, Any], planned: dict[str, Any]) -> dict[str, Any]:
        identity = _identity(type_, asked)
        told = {key: value for key, value in identity.items() if planned.get(key) == UNKNOWN}
        made: dict[str, Any] = self._known(planned | told, self._schema["resources"][type_])
        return {**made, "id": identity["id"]}

    def _known(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """A value with something empty in the place of what is not known."""
        if reference := schema.get("$ref"):
            schema = self._schema["types"].get(reference.removeprefix("#/types/"), {})
        match value:
            case str() if value == UNKNOWN:
                return EMPTY.get(schema.get("type", ""), "")
            case dict():
                of = schema.get("properties", {})
                rest = schema.get("additionalProperties", {})
                return {key: self._known(inner, of.get(key, rest)) for key, inner in value.items()}
            case list():
                return [self._known(inner, schema.get("items", {})) for inner in value]
        return value

    @functools.cached_property
    def _schema(self) -> dict[str, Any]:
        told = self._real.GetSchema(provider_pb2.GetSchemaRequest())
        schema: dict[str, Any] = json.loads(told.schema)
        return schema


def _an_object(asked: dict[str, Any]) -> dict[str, Any]:
    """An object of Kubernetes, as its provider remembers it."""
    meta = asked["metadata"]
    id_ = "/".join(part for part in (meta.get("namespace"), meta["name"]) if part)
    return {**asked, "__inputs": asked, "__initialApiVersion": asked["apiVersion"], "id": id_}


def _identity(type_: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a resource is known by, in the cloud's own form where programs or the provider look at it."""
    project, place = asked.get("project", ""), asked.get("location") or asked.get("region", "")
    name = str(asked.get("name") or asked.get("repositoryId") or "it")
    match type_:
        case "gcp:serviceaccount/account:Account":
            email = f"{asked['accountId']}@{project}.iam.gserviceaccount.com"
            id_ = f"projects/{project}/serviceAccounts/{email}"
            return {"id": id_, "name": id_, "email": email, "member": f"serviceAccount:{email}"}
        case "gcp:container/cluster:Cluster":
            return {"id": f"projects/{project}/locations/{place}/clusters/{name}", **TOLD}
        case "gcp:compute/network:Network" | "gcp:compute/subnetwork:Subnetwork" | "gcp:compute/router:Router":
            kind = type_.rpartition(":")[2].lower() + "s"
            id_ = f"projects/{project}/{f'regions/{place}' if place else 'global'}/{kind}/{name}"
            return {"id": id_, "selfLink": f"https://www.googleapis.com/compute/v1/{id_}"}
    return {"id": name, "name": name}


@contextlib.contextmanager
def pretending(folder: Path, environ: Mapping[str, str], *packages: str) -> Iterator[dict[str, str]]:
    """A block in which the providers of packages pretend; gives what Pulumi's environment has to say for it.

    Args:
        folder: has `bin` with the real ones.
    """
    with contextlib.ExitStack() as stack:
        ports = [f"{name}:{stack.enter_context(_attached(folder, name, environ))}" for name in packages]
        yield {"PULUMI_DEBUG_PROVIDERS": ",".join(ports)}


@contextlib.contextmanager
def _attached(folder: Path, package: str, environ: Mapping[str, str]) -> Iterator[int]:
    program = str(folder / "bin" / f"pulumi-resource-{package}")
    with subprocess.Popen([program], env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            address = f"{HOST}:{int(process.stdout.readline())}"
            with grpc.insecure_channel(address, LIMITS) as channel, ThreadPoolExecutor(16) as threads:
                server = grpc.server(threads, options=LIMITS)
                real = provider_pb2_grpc.ResourceProviderStub(channel)  # type: ignore[no-untyped-call]
                provider_pb2_grpc.add_ResourceProviderServicer_to_server(Pretending(real), server)  # type: ignore[no-untyped-call]
                port = server.add_insecure_port(f"{HOST}:0")
                server.start()
                try:
                    yield port
                finally:
                    server.stop(None).wait()
        finally:
            process.kill()
