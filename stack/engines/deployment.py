"""A state as a Pulumi deployment of version 3, the form of `pulumi stack export` and `pulumi stack import`.

What Pulumi ignores and this engine needs (lineage and serial) stands beside the deployment under `inferstack`. What
comes in is checked as Pulumi checks it, all problems at once. Pure.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.errors import UsageError
from stack.engines import urns
from stack.engines.records import Record, from_json, to_json
from stack.engines.secrets import Vault
from stack.engines.state import Begun, State

VERSION: Final = 3
PULUMI_VERSION: Final = "v3.272.0"  # whose deployments these are; the manifest's magic derives from it


def exported(state: State, vault: Vault, time: str) -> dict[str, Any]:
    """The deployment; `time` is RFC 3339, when the state was written."""
    resources = [to_json(record, vault.seal) for record in state.ordered()]
    pending = [{"resource": to_json(begun.record, vault.seal), "type": begun.work} for begun in state.pending.values()]
    deployment: dict[str, Any] = {
        "manifest": {"time": time, "magic": _magic(PULUMI_VERSION), "version": PULUMI_VERSION},
        **({"secrets_providers": vault.provider} if vault.provider else {}),
        "resources": resources,
        **({"pending_operations": pending} if pending else {}),
        "metadata": {},
    }
    about = {"lineage": state.lineage, "serial": state.serial}
    return {"version": VERSION, "inferstack": about, "deployment": deployment}


def imported(data: Any, vault: Vault) -> State:
    """The state that a deployment tells.

    Raises:
        UsageError: it is no deployment of version 3, or one that does not hold together.
        PreflightError: its secrets cannot be opened.
    """
    problems = tuple(problems_of(data))
    if problems:
        raise UsageError(
            "The state is no sound Pulumi deployment.",
            why="\n".join(f"- {problem}" for problem in problems),
            remedy="Import what `inferstack state export` or `pulumi stack export` wrote, unchanged.",
        )
    deployment = data["deployment"]
    vault.adopt(deployment.get("secrets_providers"))
    about = data.get("inferstack") or {}
    state = State(lineage=about.get("lineage", ""), serial=about.get("serial", 0))
    for resource in deployment.get("resources") or []:
        record = from_json(resource, vault.open)
        if record.delete:
            state.condemned.append(record)
        else:
            state.records[record.urn] = record
    for pending in deployment.get("pending_operations") or []:
        record = from_json(pending["resource"], vault.open)
        state.pending[record.urn] = Begun(pending["type"], record)
    return state


def problems_of(data: Any) -> Iterator[str]:
    """What is wrong with a deployment, in words; nothing when it is sound."""
    if not isinstance(data, Mapping) or not isinstance(data.get("deployment"), Mapping):
        yield "It is not of the form {version: 3, deployment: {...}}."
        return
    if data.get("version") != VERSION:
        yield f"Its version is {data.get('version')!r}; only {VERSION} is known."
        return
    deployment = data["deployment"]
    manifest = deployment.get("manifest")
    if not isinstance(manifest, Mapping) or manifest.get("magic", "") != _magic(manifest.get("version", "")):
        yield "The manifest's magic is not the SHA-256 of its version: it was not written by Pulumi, or was altered."
    resources = deployment.get("resources") or []
    if not isinstance(resources, list) or not all(isinstance(item, Mapping) for item in resources):
        yield "`resources` is no list of resources."
        return
    broken = [index for index, item in enumerate(resources) if not _has_names(item)]
    yield from (f"Resource {index + 1} has no `urn` and `type` that fit each other." for index in broken)
    if not broken:
        yield from _problems_between([_bare(item) for item in resources])
    for pending in deployment.get("pending_operations") or []:
        if not isinstance(pending, Mapping) or not _has_names(pending.get("resource")):
            yield "A pending operation names no resource."


def _problems_between(records: list[Record]) -> Iterator[str]:
    seen: set[str] = set()
    live = Counter(record.urn for record in records if not record.delete)
    for urn, count in live.items():
        if count > 1:
            yield f"{urn} stands in it {count} times."
    for record in records:
        if record.custom and not record.id and not record.extra.get("initErrors"):
            yield f"{record.urn} is a resource without an id."
        if not record.custom and record.id:
            yield f"{record.urn} is a component and has an id."
        before = {"its parent": {record.parent}, "its provider": {record.provider_urn}}
        before["what it depends on"] = set(record.dependencies)
        for what, needed in before.items():
            for urn in sorted(needed - seen - {""}):
                where = "comes after it" if urn in live else "is missing"
                yield f"{record.urn}: {what}, {urn}, {where}."
        seen.add(record.urn)


def _has_names(item: Any) -> bool:
    if not isinstance(item, Mapping) or not isinstance(item.get("urn"), str) or not isinstance(item.get("type"), str):
        return False
    return urns.well_formed(item["urn"]) and urns.type_of(item["urn"]) == item["type"]


def _bare(item: Mapping[str, Any]) -> Record:
    """The record without its values: enough to check what hangs together."""
    return from_json({key: value for key, value in item.items() if key not in ("inputs", "outputs")}, lambda v: v)


def _magic(version: str) -> str:
    """What Pulumi derives from a version; builds of it that know no version write nothing."""
    return hashlib.sha256(version.encode()).hexdigest() if version else ""
