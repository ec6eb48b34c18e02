"""Secrets at rest, in the form that Pulumi itself reads: its passphrase provider.

A secret is AES-256-GCM under a key from PBKDF2-SHA256, and any Pulumi that knows the passphrase takes the state over.
Without a passphrase of the user's, one is made by chance when the first secret is written, and kept in a file beside
the state (`KeyFile`) that only its owner may read: a checkpoint that is copied or shown tells nothing, but who has the
whole folder has its secrets. A state of former versions, which has them as plain text, is read, and encrypted when it
is next written.

The key is derived on the first secret that is met, because a million rounds cost a third of a second; a state without
secrets never pays it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from schemas.errors import PreflightError
from stack.engines import values
from stack.engines.values import SECRET_SIGNATURE, SIGNATURE, Secret, Value, plain

ROUNDS: Final = 1_000_000  # Pulumi's own choice (sdk/go/common/resource/config/crypt.go)
PASSPHRASE_VARIABLES: Final = ("INFERSTACK_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE")
_CHECK: Final = "pulumi"  # what Pulumi encrypts beside a salt, to know the right key by


def passphrase_from(environ: Mapping[str, str]) -> str | None:
    """The passphrase that the environment states, or None."""
    return next((environ[name] for name in PASSPHRASE_VARIABLES if environ.get(name)), None)


@dataclass(frozen=True)
class KeyFile:
    """A passphrase that nobody chose; the file is made when the first secret is written, never by reading."""

    path: Path

    def text(self) -> str | None:
        """The passphrase; None where there is no file.

        Raises:
            PreflightError: it cannot be read.
        """
        try:
            return self.path.read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise PreflightError(f"The key of the state cannot be read: {self.path}: {error.strerror}.") from error

    def made(self) -> str:
        """The passphrase, made if there is none, and on the disk before anything that needs it."""
        if (known := self.text()) is not None:
            return known
        made, temporary = secrets.token_urlsafe(32), self.path.with_name(f"{self.path.name}.new")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, f"{made}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(self.path)
        return made


class Vault:
    """Seals and opens the secrets of one state.

    Args:
        passphrase: what secrets are sealed with.
        key_file: what they are sealed with where there is no passphrase. Without either they are shown as plain text,
            which is for exports that somebody asks for, and never for what is kept.
        keys: remembers keys for vaults that come later.

    `adopt` takes over the salt that a state already has, whichever of the two it was made with; a salt that does not
    fit what secrets are sealed with now is replaced by a new one when the next is sealed.
    """

    def __init__(
        self,
        passphrase: str | None = None,
        *,
        key_file: KeyFile | None = None,
        keys: dict[tuple[str, str], bytes | None] | None = None,
        rounds: int = ROUNDS,
    ) -> None:
        self._passphrase, self._key_file, self._rounds = passphrase, key_file, rounds
        self._keys = {} if keys is None else keys
        self._salt: str | None = None
        self._stranger = ""  # who keeps the secrets, if only Pulumi can ask
        self._lock = threading.RLock()

    @property
    def provider(self) -> dict[str, Any] | None:
        """What a deployment says of its secrets provider; None while no secret was ever sealed."""
        return {"type": "passphrase", "state": {"salt": self._salt}} if self._salt else None

    def prepared(self) -> dict[str, Any] | None:
        """The secrets provider, made now if no secret was sealed yet."""
        self._sealing()
        return self.provider

    def adopt(self, provider: Mapping[str, Any] | None) -> None:
        """Use the salt that a deployment or a journal states; of a provider that only Pulumi can ask, remember that."""
        if not provider or provider.get("type") in ("", None):
            return
        if provider["type"] != "passphrase":
            self._stranger = str((provider.get("state") or {}).get("url") or provider["type"])
            return
        with self._lock:
            self._salt = provider["state"]["salt"]

    def seal(self, value: Value) -> Value:
        """The tree as it may be stored."""
        match value:
            case Secret():
                text = json.dumps(plain(value.value), sort_keys=True, separators=(",", ":"))
                if self._passphrase is None and self._key_file is None:
                    return {SIGNATURE: SECRET_SIGNATURE, "plaintext": text}
                return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": _encrypt(self._sealing(), text)}
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

    def fingerprint(self, text: str) -> str:
        """A hash by which a secret can be compared and not guessed: under the key of the state, where it has one."""
        key = self._opening() if self._salt else b""
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _opened(self, value: Mapping[str, Any]) -> Value:
        try:
            if "plaintext" in value:
                return json.loads(value["plaintext"])
            return json.loads(_decrypt(self._opening(), str(value.get("ciphertext", ""))))
        except (TypeError, ValueError) as error:
            raise PreflightError(
                "A secret in the state cannot be read.",
                why=str(error),
                remedy="Restore the state from a copy, or import one with `inferstack state import FILE`.",
            ) from error

    def _sealing(self) -> bytes:
        """The key that secrets are sealed with; a salt is made where none fits."""
        with self._lock:
            passphrase = self._passphrase
            if passphrase is None:
                passphrase = self._key_file.made() if self._key_file else ""
            if self._salt is not None and (known := self._key(passphrase, self._salt)) is not None:
                return known
            raw = os.urandom(8)
            key = _derive(passphrase, raw, self._rounds)
            self._salt = f"v1:{_b64(raw)}:{_encrypt(key, _CHECK)}"
            self._keys[passphrase, self._salt] = key
            return key

    def _opening(self) -> bytes:
        """The key that the state's secrets were sealed with.

        Raises:
            PreflightError: nothing that is known here fits, or a provider keeps them that only Pulumi can ask.
        """
        if self._stranger and not self._salt:
            raise PreflightError(
                f"The state's secrets are kept by {self._stranger!r}, which this engine cannot ask.",
                why="The embedded engine knows Pulumi's passphrase provider and plain text.",
                remedy="Have Pulumi plan it (inferstack doctor --install-pulumi), or import what it exports with"
                " `pulumi stack export --show-secrets`.",
            )
        with self._lock:
            salt = self._salt or ""
            for passphrase in self._known():
                if (key := self._key(passphrase, salt)) is not None:
                    return key
        if self._passphrase is None:
            raise PreflightError(
                "The state holds encrypted secrets and no passphrase is given.",
                why="It was written with a passphrase, or with a key file that is not here.",
                remedy=f"Set {PASSPHRASE_VARIABLES[0]} to the stack's passphrase, or to the text in its key file.",
            )
        raise PreflightError(
            "The passphrase does not fit this stack's state.",
            why="What the state keeps to check a passphrase cannot be decrypted with it.",
            remedy=f"Set {PASSPHRASE_VARIABLES[0]} to the passphrase that the state was written with.",
        )

    def _known(self) -> Iterator[str]:
        """What a state may have been sealed with; the empty passphrase is that of Pulumi's stacks without one."""
        if self._passphrase is not None:
            yield self._passphrase
        if self._key_file and (text := self._key_file.text()) is not None:
            yield text
        yield ""

    def _key(self, passphrase: str, salt: str) -> bytes | None:
        """The key of a salt, which carries a word that only the right one decrypts; None if this is another."""
        if (passphrase, salt) not in self._keys:
            try:
                version, raw, check = salt.split(":", 2)
                key = _derive(passphrase, base64.b64decode(raw), self._rounds)
                fits = version == "v1" and _decrypt(key, check) == _CHECK
            except ValueError:
                fits = False
            self._keys[passphrase, salt] = key if fits else None
        return self._keys[passphrase, salt]


def _derive(passphrase: str, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, rounds, 32)


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
