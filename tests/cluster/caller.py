"""Runs in a pod: asks a server again and again until `/tmp/stop` is there, then prints what became of the requests.

    python caller.py http://HOST:PORT MODEL [INPUT]

Every second request goes over a connection that is kept, as most clients do; the others over new ones, which are sent
wherever the Service has endpoints at that moment.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

STOP = Path("/tmp/stop")
ROW = {"datatype": "FP32", "shape": [1, 4], "data": [1.0, 0.0, 0.0, 0.0]}
PAUSE_S = 0.02


def ask(connection: http.client.HTTPConnection, model: str, body: str) -> str:
    """The first output of an inference, rounded; what went wrong otherwise."""
    try:
        connection.request("POST", f"/v2/models/{model}/infer", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return f"{type(error).__name__}: {error}"
    return f"{json.loads(content)['outputs'][0]['data'][0]:.3f}" if answer.status == 200 else str(answer.status)


def main(url: str, model: str, name: str = "x") -> None:
    """Ask until told to stop; print how often each answer came, and say at the beginning that answers come.

    Args:
        name: the input of the model, of four numbers a row.
    """
    body = json.dumps({"inputs": [{"name": name, **ROW}]})
    address = urlsplit(url)
    kept = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    answers: dict[str, int] = {}
    while not STOP.exists():
        fresh = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        for connection in (kept, fresh):
            answer = ask(connection, model, body)
            answers[answer] = answers.get(answer, 0) + 1
        fresh.close()
        if sum(answers.values()) == 40:
            print(json.dumps(answers), flush=True)
        time.sleep(PAUSE_S)
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
