"""Passwords that are made up once and kept with the stack's secrets.

Charts come with passwords that everybody knows. One that is made here is a secret output: it reaches the cluster as a
Secret and is never shown; the stack's outputs hold the command that asks the cluster for it.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

import pulumi
from pulumi import dynamic

BYTES: Final = 24


class PasswordProvider(dynamic.ResourceProvider):
    """Makes a password up; it stays as it is for as long as the resource does."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """A new password, of letters and digits that no shell minds."""
        return dynamic.CreateResult(props["name"], {**props, "password": secrets.token_urlsafe(BYTES)})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Never: to change a password is nobody's wish but its owner's."""
        return dynamic.DiffResult(changes=False)


class Password(dynamic.Resource, module="inferstack", name="Password"):
    """A password; `password` is a secret output."""

    password: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        hidden = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(additional_secret_outputs=["password"]), opts)
        super().__init__(PasswordProvider(), name, {"name": name, "password": None}, hidden)
