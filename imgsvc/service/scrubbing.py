"""Every original read and compared with its digest: bytes that a medium loses are found before somebody needs them."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from pathlib import Path

from anyio import CapacityLimiter, to_thread

from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import Asset, Digest
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.scrub import read_medium

_READERS = 2
_AT_ONCE = 64
_ORPHANS_AT_ONCE = 500


class Fault(StrEnum):
    DAMAGED = "damaged"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`assets`: who shows it, of all instances; none where it is a file that was sent ahead."""

    digest: Digest
    fault: Fault
    assets: Sequence[Asset]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """A part of the library: so many originals, up to the digest `last`, and what is wrong with some of them."""

    originals: int
    last: Digest
    findings: Sequence[Finding]


class Pace:
    """At most `rate` bytes a second on average; None: as fast as it goes."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._began = time.monotonic()
        self._length = 0

    async def keep(self, length: int) -> None:
        """After so many bytes more."""
        self._length += length
        if self._rate is not None:
            await asyncio.sleep(max(0.0, self._began + self._length / self._rate - time.monotonic()))


class Scrub:
    """Beside whoever changes the library: what goes meanwhile is no finding. All raise StoreFailure."""

    def __init__(self, *, catalog: Catalog, blobs: BlobStore, pace: Pace) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._pace = pace
        self._reading = CapacityLimiter(_READERS)

    async def originals(self, *, after: Digest | None) -> AsyncGenerator[Scrubbed]:
        """In the order of their digests, those behind `after`."""
        while digests := await self._catalog.originals.following(after, limit=_AT_ONCE):
            after = digests[-1]
            faults = dict(zip(digests, await asyncio.gather(*map(self._look, digests)), strict=True))
            wrong = [digest for digest, fault in faults.items() if fault is not None]
            # Looked for afterwards: what is being freed has lost its assets before its file.
            unused = set(await self._catalog.originals.unused(wrong)) if wrong else set[Digest]()
            findings = [
                Finding(digest=digest, fault=fault, assets=await self._catalog.assets.showing(digest))
                for digest, fault in faults.items()
                if fault is not None and digest not in unused
            ]
            yield Scrubbed(originals=len(digests), last=after, findings=findings)

    async def orphans(self) -> list[Digest]:
        """Files that no record names. One that is being taken in has its record before."""
        orphans: list[Digest] = []
        kept = self._blobs.kept()
        while some := await to_thread.run_sync(lambda: list(islice(kept, _ORPHANS_AT_ONCE))):
            named = await self._catalog.originals.recorded(some)
            orphans += [one for one in some if one not in named and self._blobs.local_path(one).exists()]
        return orphans

    async def _look(self, digest: Digest) -> Fault | None:
        path = self._blobs.local_path(digest)
        found, length = await to_thread.run_sync(_digest_of, path, limiter=self._reading)
        await self._pace.keep(length)
        if found is None:
            return Fault.MISSING if not path.exists() else Fault.DAMAGED
        return None if found == digest else Fault.DAMAGED


def _digest_of(path: Path) -> tuple[str | None, int]:
    """And how many bytes were read; None where they could not be read to the end. Blocks."""
    digest, length = sha256(), 0
    try:
        for chunk in read_medium(path):
            digest.update(chunk)
            length += len(chunk)
    except OSError:
        return None, length
    return digest.hexdigest(), length
