"""What KServe and MLServer have in common: each runs a worker of ours inside its own managed environment.

The workers take the embedded server's arguments and load the model with its code, so that platforms are compared with
the same model under the same OpenVINO settings. They see of this package only a folder with two links, never the other
packages that are installed beside it.
"""

from __future__ import annotations

from pathlib import Path

from components.serving.environments import Environment, ensure
from components.serving.instance import Instance, Launch, Ports
from components.serving.platforms import openvino

SHARED = ("components", "schemas")


def prepare(instance: Instance) -> None:
    """Make the platform's environment, and the folder through which its worker sees our code.

    Raises:
        PreflightError: the environment cannot be made.
    """
    ensure(environment_of(instance))
    code = _code(instance)
    code.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        link, target = code / name, openvino.ROOT / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)


def launch(instance: Instance, ports: Ports, worker: str) -> Launch:
    """The worker's command: the embedded server's arguments, and where to tell the digest of what it loaded."""
    args = {**openvino.launch(instance, ports).args, "ready": str(instance.files.ready)}
    python = str(environment_of(instance).python)
    module = f"components.serving.platforms.{worker}"
    return Launch(
        command=(python, "-m", module, str(instance.files.args)),
        args=args,
        env={
            "PYTHONPATH": str(_code(instance)),
            "PYTHONSAFEPATH": "1",
            "PYTHONNOUSERSITE": "1",
            # What these platforms are warned of by their own libraries is nothing that a user here could mend.
            "PYTHONWARNINGS": "ignore",
        },
    )


def environment_of(instance: Instance) -> Environment:
    """The managed environment of an instance's platform."""
    lock = Path(__file__).with_name(f"{instance.platform}.lock")
    return Environment(instance.store / "environments", instance.platform, lock)


def _code(instance: Instance) -> Path:
    return instance.files.run / "code"
