"""HTTP answers are put together however the network cuts them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.benchmarks.load.http1 import Answer, Reader, field

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: y\r\n\r\n"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def feed(reader: Reader, pieces: list[bytes]) -> list[Answer]:
    return [answer for piece in pieces if (answer := reader.feed(piece))]


@example(CHUNKED, [CHUNKED.index(b"Trailer") + 2])
@given(st.sampled_from([PLAIN, CHUNKED, CONTINUED]), st.lists(st.integers(0, 120), max_size=6))
def test_an_answer_is_the_same_however_it_is_cut(whole: bytes, cuts: list[int]) -> None:
    at = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[a:b] for a, b in pairwise(at)]
    (answer,) = feed(Reader(), pieces)
    assert (answer.status, answer.body, answer.keep) == (200, b"hello", True)


def test_a_reader_takes_one_answer_after_another() -> None:
    reader = Reader()
    assert [a.status for a in feed(reader, [PLAIN, EMPTY, CHUNKED, PLAIN])] == [200, 204, 200, 200]


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nConnection: close", b"HTTP/1.0 200 OK"])
def test_a_connection_that_will_be_closed_is_not_kept(head: bytes) -> None:
    answer = Reader().feed(head + b"\r\nContent-Length: 0\r\n\r\n")
    assert answer is not None
    assert not answer.keep


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    reader = Reader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nhel") is None
    assert reader.feed(b"lo") is None
    assert reader.close() == (200, b"http/1.1 200 ok", b"hello", False)


def test_a_connection_that_ends_too_soon_gives_no_answer() -> None:
    reader = Reader()
    reader.feed(PLAIN[:-1])
    assert reader.close() is None


@pytest.mark.parametrize(
    "bad",
    [
        b"220 smtp ready\r\n\r\n",
        PLAIN + b"more",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-6\r\n",
        b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_what_is_no_http_is_an_error(bad: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Reader().feed(bad)


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_a_value_error(noise: bytes) -> None:
    reader = Reader()
    try:
        reader.feed(b"HTTP/1.1 " + noise)
        reader.close()
    except ValueError:
        pass


def test_a_field_is_found_whole_and_only_by_its_whole_name() -> None:
    head = b"http/1.1 200 ok\r\nx-content-length: 9\r\ncontent-length:  5 "
    assert field(head, b"content-length") == b"5"
    assert field(head, b"length") is None
