"""A benchmark as a resource of the program: it is measured again when what it measures has changed.

The inputs are a `description.Description` as plain JSON. What explains a result but does not change what is measured
(the spec's digest, where things lie) makes no difference. A missed objective does not fail the resource: the outcome is
an output. Results are kept when a benchmark is deleted; they belong to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from components import codec
from components.benchmarks.description import Description
from components.benchmarks.result import FILE
from components.progress import say

if TYPE_CHECKING:
    from components.benchmarks.results import StoredResult

MEASURED = ("subjects", "loads", "data_digest", "objective", "require", "repeats", "rerun", "tool")
REPLACES = ("stack", "benchmark")
OUTPUTS = ("result", "folder", "outcome", "answer")
Props = dict[str, Any]
CarryOut = Callable[[Props], "StoredResult"]


class BenchmarkProvider(dynamic.ResourceProvider):
    """Measures; the id is the benchmark's name."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: Props, news: Props) -> dynamic.DiffResult:
        """Whether there is something to measure: something changed, or the stored result is gone."""
        replaces = self.replaced(olds, news)
        changed = _plain(self.decisive(olds)) != _plain(self.decisive(news))
        return dynamic.DiffResult(changes=bool(replaces) or changed or not _is_stored(olds), replaces=replaces)

    def create(self, props: Props) -> dynamic.CreateResult:
        """Measure."""
        outs = _measured(props, self.carry_out)
        return dynamic.CreateResult(self.named(props), outs)

    def update(self, _id: str, _olds: Props, news: Props) -> dynamic.UpdateResult:
        """Measure again; the old result stays."""
        return dynamic.UpdateResult(_measured(news, self.carry_out))

    def read(self, id_: str, props: Props) -> dynamic.ReadResult:
        """The benchmark as it stands; none when its stored result is gone or cannot be read."""
        return dynamic.ReadResult(id_, props) if _is_stored(props) else dynamic.ReadResult("", {})

    def delete(self, _id: str, _props: Props) -> None:
        """Nothing: results outlive the stack, until the store is purged."""

    def named(self, props: Props) -> str:
        """The benchmark's name."""
        return str(props["benchmark"])

    def decisive(self, props: Props) -> Any:
        """What decides the figures."""
        return {key: props.get(key) for key in MEASURED}

    def replaced(self, olds: Props, news: Props) -> list[str]:
        """The inputs whose change makes another benchmark of it."""
        return [key for key in REPLACES if olds.get(key) != news.get(key)]

    def carry_out(self, inputs: Props) -> StoredResult:
        """Measure, judge and store."""
        # Planning needs neither of these, and they bring numpy along.
        from components.benchmarks.local import LocalGenerators
        from components.benchmarks.run import carry_out

        return carry_out(codec.decode(Description, inputs), LocalGenerators)


class BenchmarkResource(dynamic.Resource, module="inferstack", name="Benchmark"):
    """A benchmark. Inputs: the members of `description.Description`, as JSON.

    Outputs: `result`, the id of the stored result; `folder`, where it lies; `outcome`, what the objective says of all
    targets together, empty without one; `answer`, the sentences that say what was found.
    """

    result: pulumi.Output[str]
    folder: pulumi.Output[str]
    outcome: pulumi.Output[str]
    answer: pulumi.Output[list[str]]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(BenchmarkProvider(), name, {**dict.fromkeys(OUTPUTS), **inputs}, opts)


def _measured(props: Props, carry_out: CarryOut) -> Props:
    """The inputs and the outputs of a benchmark that is carried out now."""
    from components.benchmarks.answer import answer

    inputs = {key: value for key, value in props.items() if key not in OUTPUTS}
    stored = carry_out(inputs)
    found = answer(stored.result)
    say(found.sentences[0] if found.sentences else f"{stored.result.benchmark}: measured")
    outputs = {
        "result": stored.result.id,
        "folder": str(stored.folder),
        "outcome": found.outcome or "",
        "answer": list(found.sentences),
    }
    return {**inputs, **outputs}


def _is_stored(props: Mapping[str, Any]) -> bool:
    """Whether the result is in the store. It is written whole or not at all, so a look at the file suffices."""
    return (Path(props.get("folder") or "/nowhere") / FILE).exists()


def _plain(value: Any) -> Any:
    """A value for comparing: to Pulumi's wire format an absent member and null are the same."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None} or None
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
