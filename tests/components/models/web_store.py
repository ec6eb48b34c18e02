"""A web server that keeps what is put there, as buckets do; it can be unreliable, and can demand credentials."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class WebStore:
    """What is kept, by path; each status of `faults` spoils one request; `allowed` judges a request's headers."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[int] = field(default_factory=list)
    allowed: Callable[[Mapping[str, str]], bool] = lambda _: True
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def below(self, folder: str) -> list[str]:
        """The names of what is kept below a folder, sorted."""
        return sorted(path.removeprefix(f"/{folder}/") for path in self.files if path.startswith(f"/{folder}/"))


@contextmanager
def web_store(store: WebStore | None = None, *, address: str = "127.0.0.1") -> Iterator[WebStore]:
    """The server at work, at `store.url`."""
    store = store or WebStore()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self._refused("GET"):
                return
            content = store.files.get(self.path)
            self._answer(404 if content is None else 200, content or b"")

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if not self._refused("PUT"):
                store.files[self.path] = content
                self._answer(201)

        def _refused(self, method: str) -> bool:
            store.asked.append((method, self.path))
            if store.faults:
                self._answer(store.faults.pop(0))
            elif not store.allowed({name.lower(): value for name, value in self.headers.items()}):
                self._answer(403)
            else:
                return False
            return True

        def _answer(self, status: int, content: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer((address, 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    store.url = f"http://{address}:{http.server_port}"
    try:
        yield store
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
