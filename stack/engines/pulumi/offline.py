"""Plans for a cloud without asking it: the embedded engine on what Pulumi left in the stack's folder.

It plans on a copy; providers are asked about nothing, a cluster neither. It applies nothing of a cloud.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from pathlib import Path

from schemas.errors import PreflightError
from stack.engines import deployment, store
from stack.engines.embedded import EmbeddedEngine


class OfflineEngine(EmbeddedEngine):
    """Plans programs of one stack from the state in Pulumi's file.

    Args:
        left: the file of the state, as Pulumi's file backend writes it.
        passphrase: opens the secrets in it; else the text of `key` does, where there is such a file.

    Raises:
        PreflightError: the file is no state.
    """

    def __init__(
        self, project: str, stack: str, left: Path, *, passphrase: str | None = None, key: Path | None = None
    ) -> None:
        folder = Path(tempfile.mkdtemp(prefix="inferstack-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        super().__init__(project, stack, folder, passphrase=passphrase)
        if key is not None and key.exists():
            shutil.copy(key, folder / store.KEY)
        try:
            latest = json.loads(left.read_text())["checkpoint"].get("latest")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PreflightError(f"{left} is no state that Pulumi wrote.", why=str(error)) from error
        if latest:
            copy = {"version": deployment.VERSION, "deployment": latest}
            (folder / store.CHECKPOINT).write_text(json.dumps(copy))
