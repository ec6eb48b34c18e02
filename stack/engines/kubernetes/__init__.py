"""Applies `kubernetes:*` resources on any cluster, inside the embedded engine: no Pulumi CLI, no plugin.

    engine = EmbeddedEngine("inferstack", "digits", site.state, providers={"kubernetes:": KubernetesProviders()})

Objects go to the API server by server-side apply, through the official `kubernetes` client. Equal inputs cost no
request; else a dry run of the very apply is the difference, so that defaults, quantities, immutability, invalid fields
and conflicts are the server's own answers, in the preview already. Helm releases go through the `helm` binary.

State is kept in the shape of pulumi-kubernetes 4, so that either engine reads what the other wrote.

    settings    how a provider resource names its cluster
    connection  requests to one cluster, its errors turned into ours (`errors`)
    objects     manifests: identity, names, the shape of the state (`trees`: pure work on nested values)
    fields      who owns which field of an object
    difference  what would change, by asking the server
    readiness   when an object is ready, and what keeps its pods from being so (`waiting`)
    verbs       create, update, read, delete
    releases    Helm releases (`helm`: the binary)
    provider    all of it behind the engine's `Provider`

What it never does: overwrite a field or adopt an object that somebody else owns, unless told to; write a token, a
kubeconfig or a secret anywhere; apply what was planned for one cluster to another.
"""

from stack.engines.kubernetes.provider import KubernetesProviders

__all__ = ["KubernetesProviders"]
