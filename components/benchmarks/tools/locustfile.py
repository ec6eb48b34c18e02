"""What Locust runs: it imports nothing of this program, and knows no more than the file of requests beside it."""

# Locust is no dependency: mypy does not know it.
# mypy: ignore-errors

import base64
import itertools
import json
import time
from pathlib import Path

import gevent
from locust import FastHttpUser, constant, events, task
from locust.runners import WorkerRunner

HERE = Path(__file__).parent
TOLD = json.loads((HERE / "requests.json").read_text())
REQUESTS = [(one["path"], one["headers"], base64.b64decode(one["body"])) for one in TOLD["requests"]]
TURNS = itertools.cycle((host, *request) for request in REQUESTS for host in TOLD["hosts"])
SEEN = []
BEGAN = []


class Client(FastHttpUser):
    """Sends the next request as soon as the last one is answered."""

    wait_time = constant(0)
    network_timeout = connection_timeout = TOLD["timeout"]

    @task
    def infer(self):
        host, path, headers, body = next(TURNS)
        self.client.post(host + path, data=body, headers=headers, name="infer")


@events.request.add_listener
def note(start_time, response_time, response_length, exception, response=None, **_):
    SEEN.append((start_time, response_time, response_length or 0, kind(exception, response)))


def kind(exception, response):
    status = getattr(response, "status_code", 0)
    if exception is None:
        return ""
    if status:
        return f"HTTP {status}"
    return "timeout" if "timed out" in str(exception).lower() else "connection"


@events.init.add_listener
def end_in_time(environment, **_):
    """From the moment when all users are there: how long Locust takes until then is nobody's load."""
    if isinstance(environment.runner, WorkerRunner):
        return

    @environment.events.spawning_complete.add_listener
    def begin(user_count, **_):
        if not BEGAN:
            BEGAN.append(time.time())
            gevent.spawn_later(TOLD["seconds"], environment.runner.quit)


@events.report_to_master.add_listener
def hand_over(client_id, data):
    data["seen"] = list(SEEN)
    SEEN.clear()


@events.worker_report.add_listener
def take(client_id, data):
    SEEN.extend(tuple(row) for row in data.pop("seen", ()))


@events.quit.add_listener
def write(exit_code, **_):
    # Every process ends here; workers have handed over what they saw, and never saw the beginning.
    if BEGAN:
        (HERE / "locust.json").write_text(json.dumps({"began": BEGAN[0], "requests": SEEN}))
