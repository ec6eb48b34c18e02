"""How each model of a spec gets to the pods of a cluster: made by a Job there, made here and sent, or read as it is.

The key under which the store keeps a model is known when it is planned: a digest of what it is made from and how. It is
the name of the model's folder, so that another model is another path, and pods that serve it roll over.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, assert_never

import pulumi

from components.kubernetes.objects import Home, declare
from components.models import errands, material
from components.models.access import Container, ModelAccess
from components.models.as_is import KEY_DIGITS, read_as_it_is
from components.models.digest import value_digest
from components.models.order import JOB_MOST_MIB, Conversion, Data, Order, Original, Place
from components.models.plan import plan_inputs
from components.models.shelf import FOLDER, NAME, Shelf, original_url
from schemas.errors import PreflightError, UsageError
from schemas.spec import Model, Store
from schemas.stores import way_of

SHORT_DIGITS: Final = 8
LONGEST_PART: Final = 44  # of a model's name in that of a Job, whose pods' names end at 63 characters
MOST_DATA_BYTES: Final = 1_000_000  # of the 1 MiB that a ConfigMap holds in all


@dataclass(frozen=True)
class Supply:
    """What models are supplied with.

    Attributes:
        planner: reads the texts of the spec.
        store: the store of this machine, where models for the cluster are made too.
        shelf: the cluster's store; None where all models are read from buckets as they are.
        declared: the store as the spec has it.
        identity: the Kubernetes service account for buckets of Google Cloud, where pods read some.
        kubeconfig: a path, or the text of a kubeconfig; empty for the usual places.
        tolerations: of the Jobs, where nodes are tainted.
        job_mib: memory that a Job may use.
    """

    planner: material.Planner
    store: Path
    home: Home
    shelf: Shelf | None
    declared: Store | None = None
    identity: pulumi.Resource | None = None
    kubeconfig: pulumi.Input[str] = ""
    context: str = ""
    tolerations: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    job_mib: int = JOB_MOST_MIB


def access_of(model: Model, supply: Supply) -> ModelAccess:
    """Declare what brings a model to the cluster's pods.

    Raises:
        PreflightError, UsageError: a file is missing or of a kind that cannot be used, or too large for a Job's data.
    """
    match way_of(model):
        case "as-is":
            return read_as_it_is(model, supply.declared, supply.identity)
        case "cluster":
            return _converted_there(model, supply)
        case "here":
            return _made_here(model, supply)
        case way:
            assert_never(way)


def key_of(inputs: Mapping[str, Any]) -> str:
    """The key of a model, by the inputs of its resource (`plan_inputs`): contents and choices, no places."""
    convert = {key: _content(value) for key, value in inputs["convert"].items() if key != "max_accuracy_drop"}
    parts = {
        "name": inputs["name"],
        "source": inputs.get("sha256") or _content(inputs["source"]),
        "convert": convert,
        "evaluation": _content(inputs.get("evaluation")),
    }
    return value_digest(parts)[:KEY_DIGITS]


def _converted_there(model: Model, supply: Supply) -> ModelAccess:
    shelf, home = _shelf(model, supply), supply.home
    inputs = plan_inputs(model, supply.planner, supply.store)
    key = key_of(inputs)
    name = _name("convert", model, key)
    files = _data_files(model, supply)
    order = Order(
        name=model.name, key=key, store=shelf.place, folder=errands.WORK, conversion=_conversion(model, shelf, files)
    )  # fmt: skip
    needs: list[pulumi.Resource] = list(shelf.needs)
    if files:
        needs.append(declare(errands.data_map(name, files, home), home))
    manifest = errands.convert_job(
        name, errands.order_text(order), home, shelf,
        data=name if files else "", tolerations=supply.tolerations, most_mib=supply.job_mib,
    )  # fmt: skip
    job = declare(manifest, home, needs=needs, delete_before_replace=True)
    return _access(model, key, supply.home, shelf, (*shelf.needs, job), digest=None)


def _made_here(model: Model, supply: Supply) -> ModelAccess:
    from components.models.resource import ModelResource
    from components.models.upload import UploadResource

    shelf, home = _shelf(model, supply), supply.home
    inputs = plan_inputs(model, supply.planner, supply.store)
    made = ModelResource(model.name, inputs)
    key = value_digest([key_of(inputs), _version("openvino"), _version("nncf")])[:KEY_DIGITS]
    order = Order(name=model.name, key=key, store=shelf.place)
    job = errands.receive_job(
        _name("upload", model, key), home, shelf, tolerations=supply.tolerations, most_mib=supply.job_mib
    )
    upload = UploadResource(
        f"{model.name}-upload",
        {
            "order": errands.order_text(order),
            "path": made.path,
            "digest": made.digest,
            "job": job,
            "volume": shelf.made,
            "kubeconfig": supply.kubeconfig,
            "context": supply.context,
        },
        pulumi.ResourceOptions(depends_on=[*home.needs, *shelf.needs]),
    )
    return _access(model, key, home, shelf, (*shelf.needs, upload), digest=made.digest)


def _access(
    model: Model, key: str, home: Home, shelf: Shelf, needs: tuple[pulumi.Resource, ...],
    digest: pulumi.Output[str] | None,
) -> ModelAccess:  # fmt: skip
    """How pods get a model that is in the store: mounted and checked, or fetched into the pod and checked."""
    shared = shelf.volume is not None
    volume = dict(shelf.volume) if shelf.volume is not None else {"name": NAME, "emptyDir": {}}
    place = Place(folder=FOLDER) if shared else shelf.place
    order = Order(name=model.name, key=key, store=place, folder=FOLDER)

    def containers(resources: Mapping[str, Any]) -> tuple[Container, ...]:
        text: Any = errands.order_text(order)
        if digest is not None:
            text = digest.apply(lambda known: errands.order_text(replace(order, digest=known)))
        return (
            errands.container(
                "check" if shared else "fetch", text, image=home.image, shelf=shelf,
                mounts=[errands.mounted(read_only=shared)], resources=resources,
            ),
        )  # fmt: skip

    return ModelAccess(
        name=model.name,
        key=key,
        path=f"{FOLDER}/{key}/{model.name}",
        volumes=(volume,),
        mounts=(errands.mounted(read_only=True),),
        init_containers=containers,
        needs=needs,
        uri=f"{shelf.uri}/{key}/{model.name}" if shelf.uri else "",
        digest=digest,
        service_account=shelf.service_account,
        annotations=shelf.annotations,
        host="" if shared else shelf.host,
        ports=() if shared else (shelf.port,),
    )


def _conversion(model: Model, shelf: Shelf, files: Mapping[str, str]) -> Conversion:
    """The conversion as a Job is told it."""
    convert, source = model.convert, model.source or ""
    quantized = convert.precision == "int8"
    return Conversion(
        source=_original(source, model.sha256, shelf),
        precision=convert.precision,
        samples=convert.samples,
        calibration=_data("calibration", convert.calibration, files) if quantized else None,
        evaluation=_data("evaluation", model.evaluation, files),
        input_shape=convert.input_shape or {},
        max_accuracy_drop=convert.max_accuracy_drop if quantized else None,
    )


def _original(source: str, sha256: str | None, shelf: Shelf) -> Original:
    url, auth = original_url(source, shelf)
    return Original(url, source, sha256, auth, shelf.place.region if auth == "s3" else "")


def _data(what: str, text: str | None, files: Mapping[str, str]) -> Data | None:
    if text is None:
        return None
    file = f"{what}.npz"
    return Data(file=f"{errands.DATA}/{file}") if file in files else Data(original=Original(text, text))


def _data_files(model: Model, supply: Supply) -> dict[str, str]:
    """The data sets that travel with the Job, as base64 by file name.

    Raises:
        PreflightError: they are too large together.
    """
    files: dict[str, str] = {}
    for what, text in (("calibration", model.convert.calibration), ("evaluation", model.evaluation)):
        data = supply.planner.material(text, "data") if text is not None else None
        if isinstance(data, material.Local):
            files[f"{what}.npz"] = base64.b64encode(Path(data.path).read_bytes()).decode()
    if (size := sum(map(len, files.values()))) > MOST_DATA_BYTES:
        raise PreflightError(
            f"the data of model {model.name} are too large for a Job: {size * 3 // 4 / 1e6:.1f} MB",
            why=f"they travel in a ConfigMap, which holds {MOST_DATA_BYTES * 3 // 4 / 1e6:.2f} MB",
            remedy="take fewer rows, name an https:// address, or write `convert: {where: here}`",
        )
    return files


def _shelf(model: Model, supply: Supply) -> Shelf:
    if supply.shelf is None:
        raise UsageError(f"model {model.name} has no store to be kept in", remedy="add `store: {type: pvc}`")
    return supply.shelf


def _name(errand: str, model: Model, key: str) -> str:
    return f"{errand}-{model.name[:LONGEST_PART]}-{key[:SHORT_DIGITS]}"


def _content(value: Any) -> Any:
    """What of an input decides the result: of a material its identity."""
    is_material = isinstance(value, dict) and "kind" in value
    return material.identity(material.from_json(value)) if is_material else value


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
