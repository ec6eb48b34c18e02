"""A model server of the standard library alone: `python stub_server.py ARGS.json`; misbehaves where ARGS say so.

ARGS: those of the embedded server, and `stub`: {"exit": status} ends at once, {"needs": path} ends so without that
file, {"digest": text} answers with that.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def main(path: str) -> None:
    with open(path) as file:
        args = json.load(file)
    stub = args.get("stub", {})
    print(f"stub {args['name']} starts on {args['rest_port']}", flush=True)
    if "exit" in stub or not os.path.exists(stub.get("needs", ".")):
        print("stub: the model cannot be read", flush=True)
        sys.exit(stub.get("exit", 1))
    parameters = {"digest": stub.get("digest", args["model"]["digest"])}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"name": args["model"]["name"], "parameters": parameters}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((args["host"], args["rest_port"]), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main(sys.argv[1])
