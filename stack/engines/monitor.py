"""Pulumi's resource monitor and engine services, answered in this process: the SDK calls them from its own threads.

Only translation happens here: a request becomes a `Goal`, the registrar's answer a response. No method raises for a
resource that failed: it answers FAIL, so that the program goes on with its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2

from schemas.errors import PreflightError
from stack.engines import goals, wire
from stack.engines.events import OnEvent, Said
from stack.engines.registrar import Registered, Registrar

_FEATURE: Final = resource_pb2.ResourceMonitorFeature
FEATURES: Final = (
    _FEATURE.RESOURCE_MONITOR_FEATURE_SECRETS,
    _FEATURE.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    _FEATURE.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    _FEATURE.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    _FEATURE.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
    _FEATURE.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
)
_SEVERITIES: Final[Mapping[int, str]] = {
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}


class Monitor:
    """The service that registrations come to; method names and messages are Pulumi's."""

    def __init__(self, registrar: Registrar, *, dry_run: bool, parallel: int) -> None:
        self._registrar, self._dry_run, self._parallel = registrar, dry_run, parallel

    def GetDeploymentInfo(self, _: Any) -> resource_pb2.DeploymentInfo:
        return resource_pb2.DeploymentInfo(
            project=self._registrar.project,
            stack=self._registrar.stack,
            dryRun=self._dry_run,
            parallel=self._parallel,
            supportedFeatures=FEATURES,
        )

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        return self._answer(self._registrar.register(goals.from_request(request)))

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        self._registrar.register_outputs(request.urn, wire.decode(request.outputs))
        return empty_pb2.Empty()

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        goal = goals.Goal(
            type=request.type,
            name=request.name,
            custom=True,
            parent=request.parent,
            inputs=wire.decode(request.properties),
            provider=request.provider,
            version=request.version,
            dependencies=tuple(sorted(request.dependencies)),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
        )
        found = self._registrar.read(goal, request.id)
        result = resource_pb2.FAIL if found.lost else resource_pb2.SUCCESS
        return resource_pb2.ReadResourceResponse(urn=found.urn, properties=wire.encode(found.outputs), result=result)

    def RegisterPackage(self, request: resource_pb2.RegisterPackageRequest) -> resource_pb2.RegisterPackageResponse:
        return resource_pb2.RegisterPackageResponse(ref=f"{request.name}@{request.version}")

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> Any:
        raise PreflightError(
            f"The program asks a provider's function ({request.tok}).",
            why="The embedded engine runs without provider plugins.",
            remedy="Use the Pulumi engine for this stack.",
        )

    def Call(self, request: resource_pb2.ResourceCallRequest) -> Any:
        raise PreflightError(
            f"The program calls a provider's method ({request.tok}).",
            why="The embedded engine runs without provider plugins.",
            remedy="Use the Pulumi engine for this stack.",
        )

    def SignalAndWaitForShutdown(self, _: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def _answer(self, registered: Registered) -> resource_pb2.RegisterResourceResponse:
        if registered.lost:
            return resource_pb2.RegisterResourceResponse(urn=registered.urn, result=resource_pb2.FAIL)
        return resource_pb2.RegisterResourceResponse(
            urn=registered.urn, id=registered.id, object=wire.encode(registered.outputs)
        )


class EngineService:
    """The service that the SDK sends what a program logs to."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:
        if severity := _SEVERITIES.get(request.severity):
            self._on_event(Said(severity, request.message, request.urn))
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, _: Any) -> engine_pb2.RequirePulumiVersionResponse:
        return engine_pb2.RequirePulumiVersionResponse()
