"""The server's REST routes: health, metadata, inference in both dialects, and metrics.

Everything but inference is answered at once. An inference is decoded in the event loop, run by the schedule, written in
whichever thread ran it, and sent by the event loop.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import perf_counter_ns
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from components.serving.server import v1, v2
from components.serving.server.call import Call
from components.serving.server.http import Answer, Reply, Request, refuse
from components.serving.server.metrics import KSERVE, TENSORFLOW, Method, Metrics
from components.serving.server.model import VERSION, Model, Outputs
from components.serving.server.refusal import Refusal
from components.serving.server.schedule import Job, Schedule

EXTENSIONS: Final = ("binary_tensor_data", "classification")
_METRICS_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"


class Page(NamedTuple):
    """A path that is read: GET or HEAD."""

    read: Callable[[], Answer]
    counter: Method | None


class Inference(NamedTuple):
    """A path that inference requests are posted to."""

    decode: Callable[[Request], Call[Answer]]
    counter: Method


class Rest:
    """Answers the requests of all connections; `ready` turns false when the server is stopping."""

    def __init__(
        self, model: Model, schedule: Schedule, metrics: Metrics, extra: Mapping[str, Any], retry_after_s: float
    ) -> None:
        self.ready = True
        self.current = 0
        self._model, self._schedule, self._metrics, self._extra = model, schedule, metrics, extra
        self._retry = b"Retry-After: %d\r\n" % max(1, round(retry_after_s))
        self._times = metrics.request["REST"]
        self._routes = self._make_routes()

    def handle(self, request: Request, reply: Reply) -> None:
        """Answers a request; see `http.Handler`."""
        method, path = request.head.method, request.head.path
        route = self._routes.get(path) or self._routes.get(unquote_to_bytes(path))
        match route:
            case Inference():
                if method == b"POST":
                    self._infer(request, reply, route)
                else:
                    reply(request, _not_allowed(request, b"POST"))
            case Page():
                if method in (b"GET", b"HEAD"):
                    reply(request, self._read(route))
                else:
                    reply(request, _not_allowed(request, b"GET, HEAD"))
            case None:
                reply(request, self._unknown(path))

    def _infer(self, request: Request, reply: Reply, route: Inference) -> None:
        self.current += 1
        try:
            call = route.decode(request)
        except Refusal as refusal:
            self._settle(request, self._refused(refusal), reply, route.counter)
            return
        except Exception:
            self._settle(request, _broken(), reply, route.counter)
            return
        self._run(request, reply, call, route.counter)

    def _run(self, request: Request, reply: Reply, call: Call[Answer], counter: Method) -> None:
        threaded = self._schedule.threaded
        loop = asyncio.get_running_loop() if threaded else None

        def done(result: Outputs | Refusal) -> None:
            try:
                answer = self._refused(result) if isinstance(result, Refusal) else call.encode(result)
            except Exception:
                answer = _broken()
            if loop is None:
                self._settle(request, answer, reply, counter)
            else:
                with suppress(RuntimeError):  # the loop has ended: this job took longer than the drain allows
                    loop.call_soon_threadsafe(self._settle, request, answer, reply, counter)

        job = Job(call.arrays, done, arrived_ns=request.arrived_ns)
        if threaded:
            request.on_gone = job.cancel
        try:
            self._schedule.submit(job)
        except Refusal as refusal:
            request.on_gone = None
            self._settle(request, self._refused(refusal), reply, counter)

    def _settle(self, request: Request, answer: Answer, reply: Reply, counter: Method) -> None:
        reply(request, answer)
        self.current -= 1
        if answer.status == 200:
            counter.success += 1
            self._times.observe((perf_counter_ns() - request.arrived_ns) / 1000)
        else:
            counter.fail += 1

    def _read(self, page: Page) -> Answer:
        answer = page.read()
        if page.counter is not None:
            if answer.status == 200:
                page.counter.success += 1
            else:
                page.counter.fail += 1
        return answer

    def _refused(self, refusal: Refusal) -> Answer:
        return refuse(refusal.status, refusal.reason, headers=self._retry if refusal.status == 503 else b"")

    def _unknown(self, path: bytes) -> Answer:
        text = path.decode("utf-8", "replace")
        parts = text.split("/")
        if len(parts) > 3 and parts[1] in ("v1", "v2") and parts[2] == "models":
            name = parts[3].partition(":")[0]
            if name != self._model.name:
                return refuse(404, f"there is no model {name!r} here; this server has {self._model.name!r}")
            if len(parts) > 5 and parts[4] == "versions" and parts[5].partition(":")[0] != VERSION:
                return refuse(404, f"the model {name!r} has no version {parts[5]!r}; it has {VERSION!r}")
        return refuse(
            404, f"there is nothing at {text!r}; /v2 and /v2/models/{self._model.name} are good places to start"
        )

    # ------------------------------------------------------------------ routes

    def _make_routes(self) -> dict[bytes, Page | Inference]:
        pages = {
            "/": self._page(lambda: {"status": "alive"}),
            "/v2": self._page(_server_metadata),
            "/v2/health/live": self._page(lambda: {"live": True}),
            "/v2/health/ready": self._when_ready(lambda: {"ready": self.ready}),
            "/v2/models": self._page(lambda: {"models": [self._model.name]}),
            "/v1/models": self._page(lambda: {"models": [self._model.name]}),
            "/metrics": Page(lambda: Answer(200, self._metrics.text().encode(), _METRICS_TYPE), None),
        }
        routes = {path.encode(): page for path, page in pages.items()} | self._model_routes()
        return routes | {path + b"/": route for path, route in routes.items() if path != b"/"}

    def _model_routes(self) -> dict[bytes, Page | Inference]:
        def counter(api: str, method: str) -> Method:
            return self._metrics.method(api, "REST", method)

        v1_codec, v2_codec = v1.Codec(self._model), v2.Codec(self._model)
        infer = Inference(
            lambda request: v2_codec.decode(request.body, request.head.headers.get(b"inference-header-content-length")),
            counter(KSERVE, "ModelInfer"),
        )
        predict = Inference(lambda request: v1_codec.decode(request.body), counter(TENSORFLOW, "Predict"))
        about = self._page(lambda: v2.metadata(self._model, self._extra), counter(KSERVE, "ModelMetadata"))
        ready = self._when_ready(lambda: {"name": self._model.name, "ready": self.ready}, counter(KSERVE, "ModelReady"))
        status = self._when_ready(lambda: v1.status(self._model, self.ready), counter(TENSORFLOW, "GetModelStatus"))
        signature = self._page(lambda: v1.metadata(self._model), counter(TENSORFLOW, "GetModelMetadata"))
        routes: dict[str, Page | Inference] = {}
        for version in ("", f"/versions/{VERSION}"):
            in_v2, in_v1 = f"/v2/models/{self._model.name}{version}", f"/v1/models/{self._model.name}{version}"
            routes |= {in_v2: about, f"{in_v2}/ready": ready, f"{in_v2}/infer": infer}
            routes |= {in_v1: status, f"{in_v1}/metadata": signature, f"{in_v1}:predict": predict}
        return {path.encode(): route for path, route in routes.items()}

    def _page(self, read: Callable[[], Mapping[str, Any]], counter: Method | None = None) -> Page:
        return Page(lambda: Answer(200, orjson.dumps(read())), counter)

    def _when_ready(self, read: Callable[[], Mapping[str, Any]], counter: Method | None = None) -> Page:
        """A page that is 503 while the server is stopping."""
        return Page(lambda: Answer(200 if self.ready else 503, orjson.dumps(read())), counter)


def _server_metadata() -> dict[str, Any]:
    return {"name": "inferstack", "version": server_version(), "extensions": list(EXTENSIONS)}


def server_version() -> str:
    """The installed version of inferstack."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("inferstack")
    except PackageNotFoundError:
        return "0"


def _not_allowed(request: Request, allowed: bytes) -> Answer:
    method, path = request.head.method.decode("latin-1"), request.head.path.decode("utf-8", "replace")
    return refuse(405, f"{path} takes {allowed.decode()}, not {method}", headers=b"Allow: %b\r\n" % allowed)


def _broken() -> Answer:
    """A fault of ours: the trace goes to the log, not to the client."""
    traceback.print_exc(file=sys.stderr)
    return refuse(500, "the server failed on this request; its log says more")
