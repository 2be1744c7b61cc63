"""What settings mean for signatures: the keys that hold, and which picture URLs are answered."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from uuid import uuid4

from imgsvc.core.bounds import Bounds
from imgsvc.core.errors import StoreFailure
from imgsvc.core.signing import SigningKey, SigningKeys
from imgsvc.settings import Settings
from imgsvc.storage.durable import sync_file
from imgsvc.web.gate import Gate


def make_gate(settings: Settings, keys: SigningKeys) -> Gate:
    return Gate(signatures=settings.signatures, bounds=make_bounds(settings), keys=keys, now=lambda: datetime.now(UTC))


def make_bounds(settings: Settings) -> Bounds:
    return Bounds(
        unsigned=settings.unsigned,
        ladder=settings.ladder,
        off_ladder=settings.off_ladder,
        presets=settings.presets,
    )


def load_signing_keys(settings: Settings) -> SigningKeys:
    """Those with an id, then the operator's without one, or that of the data folder, which is made where none is.

    Raises StoreFailure where that is empty: everybody could sign with it.
    """
    keys = list(settings.signing_keys)
    path = settings.data / "signing.key"
    if settings.signing_key is not None:
        keys.append(SigningKey(id=None, secret=settings.signing_key.encode()))
    elif path.exists() or not keys:
        keys.append(SigningKey(id=None, secret=_read_or_make(path)))
    return SigningKeys(keys)


def _read_or_make(path: Path) -> bytes:
    """Made once, whoever of the service's processes comes first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{uuid4().hex}")
        scratch.touch(mode=0o600)
        scratch.write_text(token_hex(32))
        sync_file(scratch)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(scratch)
        scratch.unlink()
    key = path.read_bytes()
    if not key.strip():
        raise StoreFailure(
            f"{path.name} in the data folder is empty. Without it another is made, for other signatures."
        )
    return key
