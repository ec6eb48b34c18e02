"""Secrets at rest, in the forms that Pulumi itself reads: its passphrase provider, or plain text.

With a passphrase a secret is AES-256-GCM under a key from PBKDF2-SHA256, and any Pulumi that knows the passphrase takes
the state over. Without one the state of a local stack holds secrets in the `plaintext` form of
`pulumi stack export --show-secrets`, in files that only their owner may read; what is exported from it is encrypted
under the empty passphrase, because `pulumi stack import` panics on plain text without a secrets provider.

The key is derived on the first secret that is met, because a million rounds cost a third of a second; a state without
secrets never pays it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import PreflightError
from stack.engines import values
from stack.engines.values import SECRET_SIGNATURE, SIGNATURE, Secret, Value, plain

ROUNDS: Final = 1_000_000  # Pulumi's own choice (sdk/go/common/resource/config/crypt.go)
PASSPHRASE_VARIABLES: Final = ("INFERSTACK_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE")


def passphrase_from(environ: Mapping[str, str]) -> str | None:
    """The passphrase that the environment states, or None."""
    return next((environ[name] for name in PASSPHRASE_VARIABLES if environ.get(name)), None)


class Vault:
    """Seals and opens the secrets of one state.

    `adopt` takes over the salt that a state already has; without one, a salt is made when the first secret is sealed.
    `keys` remembers keys by salt for vaults of the same passphrase that come later.
    """

    def __init__(
        self, passphrase: str | None = None, *, keys: dict[str, bytes] | None = None, rounds: int = ROUNDS
    ) -> None:
        self._passphrase, self._rounds = passphrase, rounds
        self._keys = {} if keys is None else keys
        self._salt: str | None = None
        self._lock = threading.Lock()

    @property
    def provider(self) -> dict[str, Any] | None:
        """What a deployment says of its secrets provider; None while no secret was ever sealed."""
        return {"type": "passphrase", "state": {"salt": self._salt}} if self._salt else None

    def prepared(self) -> dict[str, Any] | None:
        """The secrets provider, made now if no secret was sealed yet."""
        self._derived()
        return self.provider

    def adopt(self, provider: Mapping[str, Any] | None) -> None:
        """Use the salt that a deployment or a journal states.

        Raises:
            PreflightError: its secrets are kept by a provider that only Pulumi can ask.
        """
        if not provider or provider.get("type") in ("", None):
            return
        if provider["type"] != "passphrase":
            raise PreflightError(
                f"The state's secrets are kept by {provider['type']!r}, which this engine cannot ask.",
                why="The embedded engine knows Pulumi's passphrase provider and plain text.",
                remedy="Export it with `pulumi stack export --show-secrets` and import that.",
            )
        with self._lock:
            self._salt = provider["state"]["salt"]

    def seal(self, value: Value) -> Value:
        """The tree as it may be stored."""
        match value:
            case Secret():
                text = json.dumps(plain(value.value), sort_keys=True, separators=(",", ":"))
                if self._passphrase is None:
                    return {SIGNATURE: SECRET_SIGNATURE, "plaintext": text}
                return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": _encrypt(self._derived(), text)}
            case Mapping():
                return {key: self.seal(item) for key, item in value.items()}
            case list() | tuple():
                return [self.seal(item) for item in value]
        return value

    def open(self, value: Value) -> Value:
        """The stored tree with its secrets opened.

        Raises:
            PreflightError: a secret is encrypted and the passphrase is absent or wrong.
        """
        match value:
            case {values.SIGNATURE: values.SECRET_SIGNATURE}:
                return Secret(self._opened(value))
            case dict():
                return {key: self.open(item) for key, item in value.items()}
            case list():
                return [self.open(item) for item in value]
        return value

    def _opened(self, value: Mapping[str, Any]) -> Value:
        try:
            if "plaintext" in value:
                return json.loads(value["plaintext"])
            return json.loads(_decrypt(self._derived(), str(value.get("ciphertext", ""))))
        except (TypeError, ValueError) as error:
            raise PreflightError(
                "A secret in the state cannot be read.",
                why=str(error),
                remedy="Restore the state from a copy, or import one with `inferstack state import FILE`.",
            ) from error

    def _derived(self) -> bytes:
        """The key, derived once for each salt; without a passphrase that of the empty one."""
        passphrase = self._passphrase or ""
        with self._lock:
            if self._salt is None:
                raw = os.urandom(8)
                key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), raw, self._rounds, 32)
                self._salt = f"v1:{_b64(raw)}:{_encrypt(key, 'pulumi')}"
                self._keys[self._salt] = key
            if self._salt not in self._keys:
                self._keys[self._salt] = self._checked(passphrase, self._salt)
            return self._keys[self._salt]

    def _checked(self, passphrase: str, salt: str) -> bytes:
        """The key of a salt, which carries a word that only the right key decrypts."""
        try:
            version, raw, check = salt.split(":", 2)
            key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), base64.b64decode(raw), self._rounds, 32)
            fits = version == "v1" and _decrypt(key, check) == "pulumi"
        except ValueError:
            fits = False
        if not fits and self._passphrase is None:
            raise PreflightError(
                "The state holds encrypted secrets and no passphrase is given.",
                why="It was written with a passphrase, which is nowhere stored.",
                remedy=f"Set {PASSPHRASE_VARIABLES[0]} to the passphrase of this stack.",
            )
        if not fits:
            raise PreflightError(
                "The passphrase does not fit this stack's state.",
                why="What the state keeps to check a passphrase cannot be decrypted with it.",
                remedy=f"Set {PASSPHRASE_VARIABLES[0]} to the passphrase that the state was written with.",
            )
        return key


def _encrypt(key: bytes, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # here: it costs and most states need none

    nonce = os.urandom(12)
    return f"v1:{_b64(nonce)}:{_b64(AESGCM(key).encrypt(nonce, text.encode(), None))}"


def _decrypt(key: bytes, text: str) -> str:
    """Raises ValueError when the text is damaged or the key is another one."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        version, nonce, body = text.split(":")
        if version != "v1":
            raise ValueError(f"unknown version {version!r} of an encrypted value")
        return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(body), None).decode()
    except InvalidTag as error:
        raise ValueError("the encrypted value is damaged or was written with another passphrase") from error


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
