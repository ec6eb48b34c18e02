"""A request that the server will not carry out, with the reason a person gets to read.

One class for both protocols: REST answers with `status` and `{"error": reason}`, gRPC with the status code that
`grpc.py` maps it to. It is an answer, not a failure of the server: nothing is logged for it.
"""

from __future__ import annotations


class Refusal(Exception):
    """The request cannot be answered; `status` is the HTTP status, `reason` says why and what would do."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def malformed(reason: str) -> Refusal:
    """The request itself is wrong."""
    return Refusal(400, reason)


def overloaded() -> Refusal:
    """The queue is full: the same request may succeed a little later."""
    return Refusal(503, "the queue of this server is full; try again later")
