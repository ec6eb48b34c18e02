"""What the pods of a stack may take together of a cluster that others use as well."""

from schemas.record import record
from schemas.spec.fields import Positive, item
from schemas.units import Bytes


@record(kw_only=True)
class Quota:
    """Most that all pods of the stack's namespace may request together."""

    cpus: Positive | None = item("CPUs; no limit when absent.", default=None)
    memory_bytes: Bytes | None = item("Memory, for example 64GiB; no limit when absent.", default=None, key="memory")
    pods: Positive | None = item("Pods; no limit when absent.", default=None)
