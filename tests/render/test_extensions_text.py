"""The catalogue as people and scripts read it."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner

from components.extensions.catalogue import CATALOGUE
from stack.cli import cli
from stack.render.extensions_text import extensions_json, render_extensions


def test_the_table_of_extensions_reads_well(golden: Callable[[str, str], None]) -> None:
    golden("extensions.txt", render_extensions(CATALOGUE.values()))


def test_the_command_prints_the_table() -> None:
    assert CliRunner().invoke(cli, ["extensions"]).output == render_extensions(CATALOGUE.values())


def test_scripts_learn_what_gke_has_built_in() -> None:
    built_in = {one["name"] for one in extensions_json(CATALOGUE.values()) if one["built_in_on_gke"]}

    assert built_in == {"docker-registry", "gateway-api", "kube-prometheus-stack", "metrics-server"}
