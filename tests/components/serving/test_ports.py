from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from components.serving import ports
from schemas.errors import PreflightError

HOST = "127.0.0.1"


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_the_same_names_get_the_same_port() -> None:
    first = ports.choose("stack/digits-0", HOST, ())
    assert first == ports.choose("stack/digits-0", HOST, ())
    assert ports.FIRST <= first <= ports.LAST


def test_a_port_that_is_claimed_is_passed_over_for_the_next() -> None:
    first = ports.choose("stack/digits-0", HOST, ())
    assert ports.choose("stack/digits-0", HOST, {first}) != first


def test_a_port_in_use_is_passed_over_as_well() -> None:
    wanted = ports.choose("some/seed", HOST, ())
    with socket.create_server((HOST, wanted)):
        assert ports.choose("some/seed", HOST, ()) != wanted


def test_no_free_port_at_all_is_said_plainly() -> None:
    with pytest.raises(PreflightError, match="no free port between 20000 and 29999"):
        ports.choose("x", HOST, range(ports.FIRST, ports.LAST + 1))


def test_a_taken_port_names_its_holder_and_the_key_to_set(listener: int) -> None:
    with pytest.raises(PreflightError) as refused:
        ports.require("digits-0", HOST, listener, "port")
    assert refused.value.message == f"port {listener} of digits-0 is taken"
    assert f"process {os.getpid()} " in refused.value.why
    assert "`port:`" in refused.value.remedy


def test_a_server_on_all_addresses_takes_the_port_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not ports.is_free(HOST, server.getsockname()[1])


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(PreflightError, match="no address of this machine"):
        ports.is_free("no.such.host.invalid", 8500)
