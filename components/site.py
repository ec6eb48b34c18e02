"""Where a stack lives on this machine: its state, its run files and the store that outlives it.

Everything of one stack stands under `state`, so that `destroy` is complete when that folder is gone; what may be used
again (models, downloads, results, environments of platforms) stands under `store`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Site:
    """The folders of one stack; all absolute."""

    stack: str
    state: Path
    store: Path

    @property
    def run(self) -> Path:
        """Arguments, logs and control socket of the stack's processes."""
        return self.state / "run"

    @property
    def models(self) -> Path:
        """The content-addressed model store."""
        return self.store / "models"

    @property
    def results(self) -> Path:
        """Stored benchmark results, a folder a benchmark, a folder a run."""
        return self.store / "results" / self.stack

    @property
    def environments(self) -> Path:
        """Managed Python environments of platforms that cannot share ours."""
        return self.store / "environments"
