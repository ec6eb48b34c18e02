"""A stack on this machine: models in the store, supervised processes on their cores, benchmarks one after another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.benchmarks.enough import too_short
from components.cluster.topology import Topology
from components.models.material import Local, Material, Planner, Remote, Trained, identity
from components.models.plan import check_files, model_bytes
from components.models.train import trained_folder
from components.serving.placement import Placed, Placement, place, request_of
from components.site import Site
from schemas.errors import UsageError
from schemas.load import Loaded
from schemas.spec import Benchmark, Model
from schemas.tree import plain
from stack.programs.measuring import one_after_another
from stack.programs.program import Program
from stack.programs.sources import Sources, origins_of

if TYPE_CHECKING:
    from components.models.resource import ModelResource
    from components.serving.group import ServingGroup

RECORDED: Final = "cluster.topology names a recorded machine: what is planned for it cannot run on this one"

MODEL_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "source": ("source", "train"),
    "evaluation": ("evaluation",),
    "convert": ("convert",),
}
BENCHMARK_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "subjects": ("targets",),
    "loads": ("load",),
    "data_digest": ("data",),
    "require": ("objective",),
}


def build(loaded: Loaded, site: Site, topology: Topology, *, recorded: bool, rerun: Mapping[str, str]) -> Program:
    """The program for this machine, or for a recorded one (which can be planned, not applied).

    Raises:
        SpecError: the serving groups do not fit the machine.
        PreflightError: a file that the spec names is missing.
    """
    local = _Local(loaded, site, _placement(loaded, topology), rerun)
    return Program(
        run=local.register,
        origins=origins_of(loaded, local.sources()),
        notes=(*local.placement.fit, *(note for one in loaded.spec.benchmarks for note in too_short(one))),
        placement=local.placement,
        topology=topology,
        refusal=RECORDED if recorded else "",
        tokens=rerun,
    )


def _placement(loaded: Loaded, topology: Topology) -> Placement:
    planner = planner_of(loaded)
    check_files(loaded.spec, planner)
    sizes = {model.name: model_bytes(model, planner) for model in loaded.spec.models}
    requests = [request_of(serving, model_bytes=sizes[serving.model]) for serving in loaded.spec.serving]
    return place(topology, requests)


@dataclass(frozen=True)
class _Local:
    """The registrations of one run of the program; the inputs of all resources are planned before the first."""

    loaded: Loaded
    site: Site
    placement: Placement
    rerun: Mapping[str, str]

    def sources(self) -> dict[tuple[str, str], Sources]:
        """Where in the spec each resource comes from."""
        from components.serving.group import SOURCES

        spec = self.loaded.spec
        at = {serving.name: serving.at for serving in spec.serving}
        models = {("Model", model.name): Sources(model.at, MODEL_FIELDS) for model in spec.models}
        instances = {("Instance", one.name): Sources(at[one.group], SOURCES) for one in self.placement.instances}
        return (
            models | instances | {("Benchmark", one.name): Sources(one.at, BENCHMARK_FIELDS) for one in spec.benchmarks}
        )

    def register(self) -> None:
        """What the engine runs: registers every resource of the stack."""
        import pulumi

        from components.models.plan import plan_inputs
        from components.models.resource import ModelResource
        from components.serving.resource import SupervisorResource

        planner, spec = planner_of(self.loaded), self.loaded.spec
        models = {m.name: ModelResource(m.name, plan_inputs(m, planner, self.site.store)) for m in spec.models}
        supervisor = None
        if spec.serving:
            supervisor = SupervisorResource("supervisor", {"stack": self.site.stack, "state": str(self.site.state)})
        groups = self._serve(models, supervisor)
        answers = self._measure(groups, models, planner)
        pulumi.export("endpoints", {name: [i.url for i in group.instances] for name, group in groups.items()})
        pulumi.export("models", {name: model.digest for name, model in models.items()})
        if answers:
            pulumi.export("benchmarks", answers)

    def _serve(self, models: Mapping[str, ModelResource], supervisor: Any) -> dict[str, ServingGroup]:
        import pulumi

        from components.serving.group import ServingGroup

        by_group: dict[str, list[Placed]] = {}
        for one in self.placement.instances:
            by_group.setdefault(one.group, []).append(one)
        over_grpc = {name for one in self.loaded.spec.benchmarks if one.protocol == "grpc" for name in one.targets}
        groups = {}
        for serving in self.loaded.spec.serving:
            model = models[serving.model]
            groups[serving.name] = ServingGroup(
                serving,
                by_group.get(serving.name, []),
                model={"name": serving.model, "path": model.path, "digest": model.digest},
                site=self.site,
                grpc=serving.name in over_grpc,
                opts=pulumi.ResourceOptions(depends_on=[supervisor]),
            )
        return groups

    def _measure(
        self, groups: Mapping[str, ServingGroup], models: Mapping[str, ModelResource], planner: Planner
    ) -> dict[str, Any]:
        from components.benchmarks.resource import BenchmarkResource

        def declare(benchmark: Benchmark) -> BenchmarkResource:
            subjects = [_subject(groups[name], models, benchmark) for name in benchmark.targets]
            return BenchmarkResource(benchmark.name, {**self._description(benchmark, planner), "subjects": subjects})

        instances = [instance for group in groups.values() for instance in group.instances]
        return one_after_another(self.loaded.spec.benchmarks, instances, declare)

    def _description(self, benchmark: Benchmark, planner: Planner) -> dict[str, Any]:
        from components import codec
        from components.benchmarks.description import Description, limits, load_shapes

        data = planner.material(benchmark.data, "data") if benchmark.data else None
        description = Description(
            stack=self.site.stack,
            benchmark=benchmark.name,
            results=str(self.site.results),
            subjects=(),
            loads=load_shapes(benchmark.load),
            data=None if data is None else str(data_path(data, self.site)),
            data_digest="" if data is None else identity(data),
            objective=limits(benchmark.objective),
            require=benchmark.objective.require if benchmark.objective else "any",
            repeats=benchmark.repeats,
            spec_digest=spec_digest(self.loaded),
            rerun=self.rerun.get(benchmark.name, ""),
            tool=benchmark.tool,
        )
        encoded: dict[str, Any] = codec.encode(description)
        return encoded


def _subject(group: ServingGroup, models: Mapping[str, ModelResource], benchmark: Benchmark) -> dict[str, Any]:
    """A target with the way to ask it, as `description.Subject` is written; some of it known only when it serves."""
    from components.benchmarks.description import settings

    serving = group.serving
    return {
        "target": {
            "name": serving.name,
            "platform": serving.platform,
            "model": serving.model,
            "model_digest": group.instances[0].digest,
            "precision": models[serving.model].precision,
            "instances": [
                {
                    "name": one.name,
                    "cpus": list(one.cpus),
                    "memory_node": one.memory_node,
                    "threads": one.threads,
                    "streams": one.streams,
                }
                for one in group.placed
            ],
            "cores": len({cpu for one in group.placed for cpu in one.cpus}),
            "settings": settings(serving),
        },
        "protocol": benchmark.protocol or serving.protocol,
        "endpoints": [one.endpoint for one in group.instances],
    }


def data_path(data: Material, site: Site) -> Path:
    """Where a benchmark's data will stand when its models are made.

    Raises:
        UsageError: it would have to be fetched; a benchmark reads files of this machine.
    """
    match data:
        case Local(path, _):
            return Path(path)
        case Trained(_, file, recipe):
            return trained_folder(recipe, site.store) / file
        case Remote(url, _):
            raise UsageError(
                f"a benchmark cannot read {url}",
                why="its data must be on this machine before it measures",
                remedy="fetch it once and name the file",
            )


def spec_digest(loaded: Loaded) -> str:
    """A digest of what the merged spec says, wherever it stands."""
    text = json.dumps(plain(loaded.tree.root), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def planner_of(loaded: Loaded) -> Planner:
    return Planner({model.name: model for model in loaded.spec.models}, _folder(loaded))


def _folder(loaded: Loaded) -> Callable[[Model], Path]:
    """The folder of the file that states a model: where its training runs."""

    def folder(model: Model) -> Path:
        origin = loaded.tree.origin(model.at)
        return Path(origin.location.file).resolve().parent if origin and origin.location else Path.cwd()

    return folder
