"""HTTP/1.1 as clients really speak it, over plain sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.components.serving.server.server_builders import Server, a_doubling_model, read_answer, serving

LIMIT = 1 << 16
BODY = json.dumps({"instances": [[1, 2, 3, 4]]}).encode()


@pytest.fixture(scope="module", params=["inline", "queue"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("wire")
    model = a_doubling_model(folder / "model.xml")
    with serving(folder, model, scheduling=request.param, max_request_bytes=LIMIT) as running:
        yield running


def post(body: bytes = BODY, *headers: str, version: str = "1.1") -> bytes:
    lines = ["Host: t", f"Content-Length: {len(body)}", *headers]
    return f"POST /v1/models/m:predict HTTP/{version}\r\n".encode() + "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_connection_carries_many_requests(server: Server) -> None:
    with server.raw() as connection:
        for number in range(20):
            connection.sendall(post(json.dumps({"instances": [[number] * 4]}).encode()))
            status, _, body = read_answer(connection)
            assert (status, json.loads(body)["predictions"]) == (200, [[2 * number] * 4])


def test_a_request_may_arrive_byte_by_byte(server: Server) -> None:
    with server.raw() as connection:
        for _ in range(2):
            for byte in post():
                connection.sendall(bytes([byte]))
            assert read_answer(connection)[0] == 200


def test_requests_sent_ahead_are_answered_in_their_order(server: Server) -> None:
    count = 100
    with server.raw() as connection:
        bodies = [json.dumps({"instances": [[number] * 4]}).encode() for number in range(count)]
        sent = b"".join(post(body) for body in bodies)
        for begin in range(0, len(sent), 333):  # so that some arrive while others are under way
            connection.sendall(sent[begin : begin + 333])
        stream = connection.makefile("rb")
        for number in range(count):
            length = 0
            while (line := stream.readline()) != b"\r\n":
                length = int(line.split(b":")[1]) if line.lower().startswith(b"content-length") else length
            assert json.loads(stream.read(length))["predictions"] == [[2 * number] * 4]


def test_a_chunked_body_works(server: Server) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:5], BODY[5:11], BODY[11:]))
    with server.raw() as connection:
        head = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
        for _ in range(2):
            connection.sendall(head + chunks + b"0\r\n\r\n")
            assert read_answer(connection)[0] == 200


def test_a_client_that_asks_first_is_told_to_continue(server: Server) -> None:
    with server.raw() as connection:
        for _ in range(2):
            connection.sendall(post(b"", "Expect: 100-continue", "X: y").replace(b": 0", b": %d" % len(BODY)))
            assert read_answer(connection)[0] == 100
            connection.sendall(BODY)
            assert read_answer(connection)[0] == 200


def test_a_body_over_the_limit_is_refused_before_it_is_sent(server: Server) -> None:
    for headers in ([], ["Expect: 100-continue"]):
        with server.raw() as connection:
            request = post(b"", *headers).replace(b"Content-Length: 0", b"Content-Length: 99999999")
            connection.sendall(request)
            status, fields, body = read_answer(connection)
            assert status == 413
            assert "larger than 65536 bytes" in json.loads(body)["error"]
            assert fields["connection"] == "close"


def test_a_refused_upload_does_not_lose_the_answer(server: Server) -> None:
    with server.raw() as connection:
        connection.sendall(post(b" " * (8 * LIMIT)))
        assert read_answer(connection)[0] == 413


def test_a_chunked_body_over_the_limit_is_refused(server: Server) -> None:
    with server.raw() as connection:
        connection.sendall(b"POST /v1/models/m:predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
        connection.sendall(chunk * 3)
        assert read_answer(connection)[0] == 413


def test_head_is_get_without_a_body(server: Server) -> None:
    with server.raw() as connection:
        connection.sendall(b"HEAD /v2/health/ready HTTP/1.1\r\nHost: t\r\n\r\n")
        head = connection.recv(4096)
        assert head.startswith(b"HTTP/1.1 200")
        assert b"Content-Length: 14" in head
        assert head.endswith(b"\r\n\r\n")
        connection.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: t\r\n\r\n")
        assert read_answer(connection)[2] == b'{"ready":true}'


def test_http_1_0_closes_unless_asked_not_to(server: Server) -> None:
    with server.raw() as connection:
        connection.sendall(post(BODY, "Connection: keep-alive", version="1.0"))
        assert read_answer(connection)[1]["connection"] == "keep-alive"
        connection.sendall(post(BODY, version="1.0"))
        assert read_answer(connection)[1]["connection"] == "close"
        assert connection.recv(1) == b""


def test_query_and_percent_signs_and_slashes_do_not_matter(server: Server) -> None:
    for path in ("/v2/models/m?x=1", "/v2/models/%6d", "/v2/models/m/", "/v2/health/ready/?probe=1"):
        assert server.get(path).status_code == 200


@pytest.mark.parametrize(
    "url", ["http://localhost/v2/health/live?x=a://b", "http://[::1]:8500", "HTTP://t/v2/models/m"]
)
def test_a_whole_url_is_as_good_as_its_path(server: Server, url: str) -> None:
    with server.raw() as connection:
        connection.sendall(f"GET {url} HTTP/1.1\r\nHost: t\r\n\r\n".encode())
        assert read_answer(connection)[0] == 200


def test_an_offer_to_upgrade_is_answered_in_http_1_1(server: Server) -> None:
    with server.raw() as connection:
        for _ in range(2):
            upgrade = "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"
            connection.sendall(post(BODY, *upgrade))
            assert read_answer(connection)[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\r\nnonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"y" * 100_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_what_is_not_http_is_refused_and_hung_up_on(server: Server, request_bytes: bytes, status: int) -> None:
    with server.raw() as connection:
        connection.sendall(request_bytes)
        code, headers, body = read_answer(connection)
        assert code == status, body
        assert json.loads(body)["error"]
        assert headers["connection"] == "close"
        while connection.recv(4096):
            pass


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"POST /v1/models/m:predict HTTP/1.1\r\nContent-Length: 9\r\n"]),
    rest=st.binary(max_size=120),
)
def test_no_bytes_whatever_stop_the_server(server: Server, start: bytes, rest: bytes) -> None:
    with server.raw() as connection:
        connection.sendall(start + rest)
        connection.shutdown(1)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert b"HTTP/1.1 5" not in answer
    assert server.get("/v2/health/live").status_code == 200
