"""A resource of Google Cloud by its type token.

Generic resources instead of the typed SDK: the request is the same, and `pulumi_gcp` need not be imported, which takes
most of a second. What the SDK would have checked is checked by tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi


class GcpResource(pulumi.CustomResource):
    """A resource of Google Cloud; `outputs` are properties to be read from it later."""

    def __init__(
        self,
        token: str,
        name: str,
        props: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        *,
        outputs: tuple[str, ...] = (),
    ) -> None:
        # A property that is None makes the SDK create an output of that name.
        super().__init__(token, name, {**dict.fromkeys(outputs), **props}, opts)

    def output(self, name: str) -> pulumi.Output[str]:
        """A property as it will be known once the resource exists."""
        value: pulumi.Output[str] = getattr(self, name)
        return value
