"""What can be said of Pulumi's own engine: where it keeps the state, and who encrypts the secrets in it."""

from typing import Annotated

from schemas.record import record
from schemas.spec.fields import Pattern, item

Backend = Annotated[
    str,
    Pattern(r"^(file|gs|s3|azblob|https?|postgres)://[^\s]*$", "a URL such as gs://my-bucket or file:///srv/states"),
]
SecretsProvider = Annotated[
    str,
    Pattern(
        r"^(passphrase|default|(gcpkms|awskms|azurekeyvault|hashivault)://[^\s]+)$",
        "`passphrase`, `default` (of Pulumi Cloud) or the URL of a key such as gcpkms://projects/P/locations/L/...",
    ),
]


@record(kw_only=True)
class Pulumi:
    """How Pulumi's own engine keeps a stack."""

    backend: Backend | None = item(
        "Where the state is kept; PULUMI_BACKEND_URL, else the stack's own folder, when absent.", default=None
    )
    secrets: SecretsProvider = item(
        "Who encrypts the secrets in the state: a passphrase (PULUMI_CONFIG_PASSPHRASE) or a key of a cloud.",
        default="passphrase",
    )
