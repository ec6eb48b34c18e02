"""Explanations of what is found when a spec meets a machine, its files and its cores; no rule alone can tell."""

from __future__ import annotations

import inspect
from typing import Final

from schemas.rules.registry import Rule

_TEXTS: Final = {
    "FILE001": """Files and folders that the spec names are there, and of a kind that can be used.

        Why: Nothing is made, started or measured before everything it needs is known to be there. A path is taken from
            the folder of the file that states it.
        Remedy: Check the path; models are files of a format that OpenVINO reads, or folders with one of them.
    """,
    "GKE037": """A machine type is sold in the cluster's region.

        Why: Not every region has every series. As of August 2026 it is known for us-central1, europe-west4 and
            europe-central2; elsewhere GKE is left to judge. No preview of the provider finds this.
        Remedy: Choose another machine type or another region.
    """,
    "GKE038": """Huge pages leave the machine memory for everything else.

        Why: GKE takes at most 60 % of a machine's memory for them below 30 GB, and 80 % above.
        Remedy: Ask for fewer pages, or use a larger machine type.
    """,
    "NUMA010": """The instances of all groups fit the machine.

        Why: An instance has whole physical cores of one NUMA node. Groups that are `exclusive`, as all are unless they
            say otherwise, share none, so together they need no more cores than each node has. On a cluster, kubelet
            and the system's pods need some as well.
        Remedy: Take the size that the message says would fit; fewer instances or smaller ones; or write
            `exclusive: false` in groups that may overlap.
    """,
    "NUMA011": """CPUs given by hand are CPUs that may be used.

        Why: A CPU may be missing, switched off, or outside the cpuset or the affinity of this process; on a cluster it
            is kubelet that chooses CPUs.
        Remedy: `inferstack topology` shows the CPUs that may be used, and what keeps the others off.
    """,
    "NUMA012": """A core belongs to one group, unless all groups on it say `exclusive: false`.

        Why: Two hardware threads of one core share its execution units: who has the one slows down who has the other.
        Remedy: Give the groups different cores, or write `exclusive: false` in both.
    """,
    "NUMA013": """Inference threads stay within the CFS quota.

        Why: A quota is CPU time that all threads of a control group share. More threads than it allows are stopped in
            the middle of requests, which doubles the highest latencies; OpenVINO does not see quotas.
        Remedy: Ask for fewer cores, or raise the quota (cpu.max, cpu.cfs_quota_us, the container's CPU limit).
    """,
    "NUMA014": """An instance has no more threads than CPUs.

        Why: Threads that share a CPU wait for each other.
        Remedy: Lower `threads`, or leave it out: one for each core is the default.
    """,
    "QUOTA001": """The pods of a stack stay within the quota of its namespace.

        Why: Kubernetes makes no pod that the quota forbids, and says so to nobody who waits for it. All replicas count,
            those of an autoscaled group at its least, and one Job beside them where models are made or measured.
        Remedy: Raise the member of `cluster.quota` that the message names, or ask for fewer or smaller pods.
    """,
}

RULES: Final = tuple(Rule(rule_id, inspect.cleandoc(text)) for rule_id, text in _TEXTS.items())
