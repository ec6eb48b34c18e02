"""A state as a Pulumi deployment of version 3, the form of `pulumi stack export` and `pulumi stack import`.

What Pulumi ignores and this engine needs (lineage and serial) stands beside the deployment under `inferstack`. What
comes in is checked as Pulumi checks it, all problems at once. Pure.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from schemas.errors import UsageError
from stack.engines import urns
from stack.engines.records import Record, from_json, misfits, to_json
from stack.engines.secrets import Vault
from stack.engines.state import Begun, State, Work

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
    if not isinstance(manifest, Mapping) or manifest.get("magic", "") != _magic(str(manifest.get("version", ""))):
        yield "The manifest's magic is not the SHA-256 of its version: it was not written by Pulumi, or was altered."
    yield from _problems_about(data.get("inferstack") or {}, deployment.get("secrets_providers") or {})
    pending = deployment.get("pending_operations") or []
    if not isinstance(pending, list) or not all(isinstance(item, Mapping) for item in pending):
        yield "`pending_operations` is no list of operations."
        return
    for item in pending:
        yield from _problems_in(item.get("resource"), "The resource of a pending operation")
        if item.get("type") not in get_args(Work):
            yield f"A pending operation is {item.get('type')!r}; known are {', '.join(get_args(Work))}."
    resources = deployment.get("resources") or []
    if not isinstance(resources, list) or not all(isinstance(item, Mapping) for item in resources):
        yield "`resources` is no list of resources."
        return
    broken = [found for index, item in enumerate(resources, 1) for found in _problems_in(item, f"Resource {index}")]
    yield from broken or _problems_between([_bare(item) for item in resources])


def _problems_about(about: Any, secrets: Any) -> Iterator[str]:
    """What is wrong with the members that say whose state it is and who keeps its secrets."""
    match about:
        case {"lineage": str(), "serial": int(serial)} if serial >= 0:
            pass
        case Mapping() if not about:
            pass
        case _:
            yield "`inferstack` is not of the form {lineage: TEXT, serial: NUMBER}."
    match secrets:
        case {"type": "passphrase", "state": {"salt": str()}}:
            pass
        case {"type": str(kind)} if kind != "passphrase":
            pass  # who asks for its secrets says that nobody here knows this provider
        case Mapping() if not secrets.get("type"):
            pass
        case _:
            yield "`secrets_providers` is not of the form {type: passphrase, state: {salt: TEXT}}."


def _problems_in(item: Any, what: str) -> Iterator[str]:
    """What is wrong with a resource by itself."""
    if not _has_names(item):
        yield f"{what} has no `urn` and `type` that fit each other."
        return
    yield from (f"{what}: `{key}` is of another kind than it can be." for key in misfits(item))


def _problems_between(records: list[Record]) -> Iterator[str]:
    seen: set[str] = set()
    live = Counter(record.urn for record in records if not record.delete)
    for urn, count in live.items():
        if count > 1:
            yield f"{urn} stands in it {count} times."
    for record in records:
        if record.custom and not record.id and not record.init_errors:
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
