"""Predictions by hand: rows of data sent to the running instances of a group in turn, over any of their protocols.

One request a row, so that each row's time is that of one prediction. Requests are written and answers are read by the
load generator's code: what is tried by hand is what is measured.
"""

from __future__ import annotations

import difflib
import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, assert_never, cast

import httpx
import numpy as np
from numpy.typing import NDArray

from components.benchmarks.load import bodies
from components.benchmarks.load.answers import first_output
from components.benchmarks.load.arguments import ModelInput
from components.benchmarks.load.dataset import Column, Dataset, fit
from components.serving import supervision
from components.serving.instance import Instance, Ports, contact
from schemas.errors import InferstackError, PreflightError, UsageError
from schemas.rules.serving import PROTOCOLS
from schemas.spec import Platform, Protocol
from schemas.suggest import listed

Array = NDArray[Any]
TIMEOUT_S = 30.0
GRPC_METHOD = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True)
class Prediction:
    """The answer to one row: the first output's values, who gave it in what time, and the row's label if it has one."""

    row: int
    instance: str
    values: Array
    time_s: float
    label: int | None


@dataclass(frozen=True)
class Endpoint:
    """A running instance as a client sees it."""

    name: str
    model: str
    url: str
    grpc: str | None
    platform: Platform


def endpoints(run: Path, name: str) -> tuple[Endpoint, ...]:
    """The instances that a name means: those of a group, or one.

    Raises:
        UsageError: nothing is called so; near names are suggested.
    """
    known = supervision.known(run)
    found = tuple(_endpoint(one, ports) for one, ports in known if name in (one.group, one.name))
    if not found:
        names = sorted({name for one, _ in known for name in (one.group, one.name)})
        near = difflib.get_close_matches(name, names, 3)
        raise UsageError(
            f"nothing called {name} is served here",
            why=f"there are {', '.join(names)}" if names else "nothing is up",
            remedy=f"did you mean {' or '.join(near)}?" if near else "inferstack up",
        )
    return found


def predict(targets: Sequence[Endpoint], data: Dataset, protocol: Protocol, rows: Sequence[int]) -> list[Prediction]:
    """Predict the given rows of a data set, one request each, over the instances in turn.

    Raises:
        UsageError: a row is not in the data, the protocol cannot carry it, or the platform does not speak it.
        PreflightError: an instance does not answer, or has no gRPC port.
        InferstackError: an instance refuses; the message says what it said.
    """
    if beyond := [row for row in rows if not 0 <= row < data.rows]:
        raise UsageError(f"there is no row {beyond[0]}", why=f"the data has {data.rows} rows, counted from 0")
    for target in targets:
        _check_protocol(target, protocol)
    answers = []
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        for turn, row in enumerate(rows):
            target = targets[turn % len(targets)]
            columns = [Column(c.name, c.datatype, c.values[row : row + 1]) for c in data.columns]
            began = time.perf_counter()
            head, body = _ask(client, target, protocol, columns)
            took_s = time.perf_counter() - began
            label = int(data.labels[row]) if data.labels is not None else None
            answers.append(Prediction(row, target.name, _values(target, protocol, head, body), took_s, label))
    return answers


def inputs_of(target: Endpoint) -> tuple[ModelInput, ...]:
    """The inputs of the model that an instance serves, as its metadata tell.

    Raises:
        PreflightError: it does not answer.
    """
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.get(f"{target.url}/v2/models/{target.model}").raise_for_status().json()
        return tuple(ModelInput(i["name"], i["datatype"], tuple(i["shape"])) for i in answer["inputs"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise _silent(target, error) from error


def read_data(given: str, standard_input: IO[str], inputs: Sequence[ModelInput]) -> Dataset:
    """The data that `--data` names: a file (.npz, .npy, .json), `-` for JSON on standard input, or JSON itself.

    JSON is rows of the only input (or one row), an object with the rows of each input, or the body of a V1 or V2
    request.

    Raises:
        UsageError: it cannot be read or does not fit the model.
    """
    origin = {"-": "standard input"}.get(given, given)
    try:
        if given == "-":
            return _fitted(origin, json.load(standard_input), inputs)
        if given.lstrip()[:1] in ("[", "{"):
            origin = "--data"
            return _fitted(origin, json.loads(given), inputs)
        match Path(given).suffix:
            case ".npz":
                with np.load(given, allow_pickle=False) as arrays:
                    return _fitted(origin, dict(arrays), inputs)
            case ".npy":
                return _fitted(origin, np.load(given, allow_pickle=False), inputs)
            case _:
                return _fitted(origin, json.loads(Path(given).read_text()), inputs)
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no data file {given}", remedy="give a file, - or JSON such as '[[1, 2]]'"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UsageError(f"{origin} cannot be read as data", why=str(error)) from error


def _fitted(origin: str, given: Any, inputs: Sequence[ModelInput]) -> Dataset:
    """Arrays by name from any of the forms, each with an axis of rows, fitted to the model."""
    arrays = _named(given, inputs)
    by_name = {one.name: one for one in inputs} | ({"x": inputs[0]} if len(inputs) == 1 else {})
    for name, array in arrays.items():
        wanted = by_name.get(name)
        # A single row may be given without its axis.
        if wanted is not None and array.ndim == len(wanted.shape) - 1:
            arrays[name] = array[np.newaxis]
    return fit(origin, arrays, inputs)


def _named(given: Any, inputs: Sequence[ModelInput]) -> dict[str, Array]:
    if isinstance(given, Mapping):
        if isinstance(given.get("inputs"), list):
            return {one["name"]: np.asarray(one["data"]).reshape(one["shape"]) for one in given["inputs"]}
        given = given.get("instances", given.get("inputs", given))
    if isinstance(given, list) and given and isinstance(given[0], Mapping):
        given = {name: [row[name] for row in given] for name in given[0]}
    if isinstance(given, Mapping):
        return {str(name): np.asarray(values) for name, values in given.items()}
    return {inputs[0].name if inputs else "x": np.asarray(given)}


def _check_protocol(target: Endpoint, protocol: Protocol) -> None:
    spoken = PROTOCOLS[target.platform]
    if protocol not in spoken:
        raise UsageError(
            f"{target.platform} ({target.name}) does not speak {protocol}, but {listed(spoken)}",
            remedy=f"--protocol {spoken[0]}",
        )


def _ask(client: httpx.Client, target: Endpoint, protocol: Protocol, columns: Sequence[Column]) -> tuple[bytes, bytes]:
    """Head and body of an instance's answer, as the load generator's reader takes them."""
    infer = f"{target.url}/v2/models/{target.model}/infer"
    match protocol:
        case "v1":
            return _post(client, target, f"{target.url}/v1/models/{target.model}:predict", bodies.v1_body(columns), {})
        case "v2":
            return _post(client, target, infer, bodies.v2_body(columns), {})
        case "v2-binary":
            header, values = bodies.v2_binary_body(columns)
            fields = {
                "content-type": "application/octet-stream",
                "inference-header-content-length": str(len(header)),
            }
            return _post(client, target, infer, header + values, fields)
        case "grpc":
            return b"", _call(target, bodies.grpc_message(target.model, columns))
        case other:
            assert_never(other)


def _post(
    client: httpx.Client, target: Endpoint, url: str, body: bytes, fields: Mapping[str, str]
) -> tuple[bytes, bytes]:
    try:
        answer = client.post(url, content=body, headers={"content-type": "application/json", **fields})
    except httpx.HTTPError as error:
        raise _silent(target, error) from error
    if answer.status_code != 200:
        raise _refused(target, f"HTTP {answer.status_code}: {answer.text.strip()[:500]}")
    head = "".join(f"\r\n{name.lower()}: {value}" for name, value in answer.headers.items())
    return head.encode() + b"\r\n", answer.content


def _call(target: Endpoint, message: bytes) -> bytes:
    import grpc

    if target.grpc is None:
        raise PreflightError(
            f"{target.name} has no gRPC port", remedy="set `protocol: grpc` or `grpcPort:` in the spec"
        )
    try:
        with grpc.insecure_channel(target.grpc) as channel:
            answer: bytes = channel.unary_unary(GRPC_METHOD, None, None)(message, timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        raise _refused(target, f"{error.code().name}: {error.details()}") from error
    return answer


def _values(target: Endpoint, protocol: Protocol, head: bytes, body: bytes) -> Array:
    try:
        return first_output(protocol, head, body)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _refused(target, f"an answer that cannot be read ({error!r})") from error


def _endpoint(instance: Instance, ports: Ports) -> Endpoint:
    host = contact(instance.host)
    grpc = f"{host}:{ports.grpc}" if ports.grpc else None
    platform = cast(Platform, instance.platform)
    return Endpoint(instance.name, instance.model_name, f"http://{host}:{ports.rest}", grpc, platform)


def _silent(target: Endpoint, error: Exception) -> PreflightError:
    return PreflightError(
        f"{target.name} does not answer at {target.url}", why=str(error), remedy="inferstack status shows what runs"
    )


def _refused(target: Endpoint, why: str) -> InferstackError:
    return InferstackError(f"{target.name} refuses the request", why=why)
