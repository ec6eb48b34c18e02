"""Requests of one name spread over serving groups."""

from collections.abc import Mapping

from schemas.record import record
from schemas.spec.fields import Name, Percentage, item, where


@record(kw_only=True)
class Traffic:
    """Requests of one name spread over several serving groups."""

    name: Name = item("Name, also the address.")
    split: Mapping[str, Percentage] = item("Share of each serving group, in percent; 100 together.")
    at: str = where()
