"""The records of the library: what each kind of them must be able to do.

Every change is durable when its method returns, and is made whole or not at all, however many write at the same time.
Times are UTC. All raise StoreFailure. What belongs to an instance is not found under another's name.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from imgsvc.core.assets import (
    Asset,
    AssetRef,
    Attributes,
    Digest,
    Download,
    Folder,
    Instance,
    Link,
    NewAsset,
    Original,
    StoredFile,
)
from imgsvc.core.purges import Announcement, HookState, Purge, PurgeOrder, Receipt
from imgsvc.core.tokens import Token, TokenDigest

Edit = Callable[[Asset], Asset]
"""From an asset to what it shall be. It may be called again, runs in another thread, and must do nothing else."""


class FolderPlace(NamedTuple):
    """The last asset of a page of a folder: the next page begins behind it."""

    name: str
    serial: int


class Assets(Protocol):
    async def find(self, ref: AssetRef) -> Asset | None: ...

    async def find_many(self, refs: Sequence[AssetRef]) -> list[Asset | None]:
        """In the order of `refs`, as of one moment."""
        ...

    async def find_same(self, instance: Instance, name: str, digest: Digest) -> Asset | None:
        """The oldest asset of that very name that shows that very original."""
        ...

    async def add(self, new: NewAsset, original: Original, *, now: datetime) -> Asset:
        """Gives it its serial, and its slug, which depends on the id alone unless another asset has it already.

        An id that an asset of another instance had once is not given again: it gets one by chance.

        Raises Conflict where id or code is taken, NotFound where there is no such folder.
        """
        ...

    async def add_once(self, new: NewAsset, original: Original, *, now: datetime) -> tuple[Asset, bool]:
        """As `add`, unless `find_same` finds one, in one transaction. Whether the asset is new."""
        ...

    async def change(self, edits: Mapping[AssetRef, Edit], *, by: int, now: datetime) -> list[Asset]:
        """All of them or none, each read and written in one transaction. Ids, instance and `created` stay.

        Raises NotFound where an asset or its new folder is not there, Conflict where its new code is taken, and
        whatever an edit raises.
        """
        ...

    async def delete(self, refs: Collection[AssetRef], *, now: datetime) -> list[Asset]:
        """All of them or none, with their links. What they were. Raises NotFound."""
        ...

    async def count(self, instance: Instance) -> int: ...

    async def page(self, instance: Instance, *, offset: int, limit: int) -> list[Asset]:
        """Oldest first."""
        ...

    async def following(self, instance: Instance, *, after: int, limit: int) -> list[Asset]:
        """Those with greater serials than `after`, in their order."""
        ...

    async def serials_following(self, instance: Instance, *, after: int, limit: int) -> list[int]:
        """As `following`, their serials alone."""
        ...

    async def in_folder(
        self, instance: Instance, folder: int | None, *, after: FolderPlace | None, limit: int
    ) -> list[Asset]:
        """By name, then by serial; `after` None: from the first."""
        ...

    async def find_in_folder(self, instance: Instance, folder: int | None, name: str) -> Asset | None:
        """By its whole name, else by its name without the extension; of several the oldest."""
        ...

    async def classification_serials(self, instance: Instance, codes: Collection[str]) -> Mapping[str, int]:
        """Of those that any asset has ever had."""
        ...

    async def showing(self, digest: Digest) -> list[Asset]:
        """That original, in any instance; oldest first."""
        ...

    async def is_empty(self) -> bool:
        """Of all instances."""
        ...


class Originals(Protocol):
    """Those that nobody may need any more: an original is retired when it loses an asset or a file that shows it."""

    async def count(self) -> int: ...

    async def following(self, after: Digest | None, *, limit: int) -> list[Digest]:
        """In their order, those behind `after`."""
        ...

    async def recorded(self, digests: Collection[Digest]) -> set[Digest]:
        """Those of them that are known, or retired."""
        ...

    async def retire(self, digest: Digest, *, now: datetime) -> None:
        """Of bytes that are about to be kept: for whoever makes no record of them in the end."""
        ...

    async def retired(self, *, before: datetime) -> list[Digest]: ...

    async def unused(self, digests: Collection[Digest]) -> list[Digest]:
        """Those of them that neither an asset nor a file shows."""
        ...

    async def settle(self, digests: Collection[Digest], *, gone: Collection[Digest]) -> None:
        """They are no longer retired, but for what was retired anew meanwhile; the record of what is gone goes."""
        ...


class Folders(Protocol):
    async def add(self, instance: Instance, new: Sequence[tuple[int | None, str]]) -> list[Folder]:
        """Parents and names. Raises NotFound where there is no such parent, Conflict where the name is taken there.

        Conflict also where it would lie too deep in others.
        """
        ...

    async def find_many(self, instance: Instance, serials: Sequence[int]) -> list[Folder | None]: ...

    async def change(self, instance: Instance, edits: Mapping[int, Callable[[Folder], Folder]]) -> list[Folder]:
        """All of them or none. Raises NotFound, and Conflict where one would lie in itself or the name is taken."""
        ...

    async def delete(self, instance: Instance, serials: Collection[int]) -> None:
        """All of them or none. Raises NotFound, and Conflict where anything but those folders is in them."""
        ...

    async def children(self, instance: Instance, parent: int | None) -> list[Folder]:
        """By name. Raises NotFound where there is no such parent."""
        ...


class Files(Protocol):
    async def add(self, instance: Instance, name: str, original: Original, *, now: datetime) -> StoredFile: ...

    async def find(self, instance: Instance, file_id: UUID) -> StoredFile | None: ...

    async def use(self, instance: Instance, file_id: UUID) -> None:
        """An asset shows its bytes, and keeps them from now on instead of the file."""
        ...

    async def forget_used(self, digests: Collection[Digest]) -> None:
        """Those with such bytes that were used: they are about to go."""
        ...

    async def expire(self, *, before: datetime, now: datetime) -> int:
        """Forgets those of all instances that were created before then. How many."""
        ...


class Links(Protocol):
    async def add(
        self,
        target: AssetRef,
        *,
        origin: str,
        link_type: str,
        attributes: Attributes,
        sequence: int,
    ) -> Link:
        """The same origin, target and type again: the link that is there, changed. Raises NotFound."""
        ...

    async def find(self, instance: Instance, serial: int) -> Link | None: ...

    async def of_assets(self, serials: Collection[int]) -> Mapping[int, list[Link]]:
        """By the asset's serial; in their sequence."""
        ...

    async def delete(self, instance: Instance, serial: int) -> bool:
        """Whether it was there."""
        ...


class Downloads(Protocol):
    async def add(self, download: Download, *, now: datetime) -> None:
        """Forgets all that have expired."""
        ...

    async def find(self, download_id: str, *, now: datetime) -> Download | None:
        """None where it has expired, too."""
        ...


class Purges(Protocol):
    """Those that were ordered, and what caches in front are to be told: an outbox that outlives whoever empties it.

    A change of an asset that changes what its URLs answer is announced in the change's own transaction.
    """

    async def add(self, instance: Instance, order: PurgeOrder, *, now: datetime) -> Purge:
        """Forgets all that were finished a day ago."""
        ...

    async def find(self, instance: Instance, serial: int) -> Purge | None: ...

    async def unfinished(self) -> Purge | None:
        """The oldest, of any instance."""
        ...

    async def progress(self, serial: int, receipt: Receipt) -> None: ...

    async def finish(self, purge: Purge, receipt: Receipt, *, now: datetime) -> None:
        """Announces its tags in the same transaction. What any process remembers holds no more."""
        ...

    async def announcements(self, *, after: int, limit: int) -> list[Announcement]: ...

    async def hooks(self) -> Mapping[str, HookState]:
        """By address."""
        ...

    async def keep_hooks(self, addresses: Collection[str]) -> None:
        """These and no others; those that are there stay as they are. Forgets what every one was told."""
        ...

    async def note(self, address: str, state: HookState) -> None:
        """Forgets what every hook was told."""
        ...


class Tokens(Protocol):
    async def add(self, token: Token) -> Token:
        """With its serial."""
        ...

    async def find(self, digest: TokenDigest) -> Token | None: ...

    async def list(self) -> list[Token]:
        """Oldest first."""
        ...

    async def revoke(self, name: str) -> int:
        """How many of that name there were."""
        ...


class Changes(Protocol):
    async def count(self) -> int:
        """How many there were of assets that may have been found before, purges among them; part of each of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    assets: Assets
    originals: Originals
    folders: Folders
    files: Files
    links: Links
    downloads: Downloads
    purges: Purges
    tokens: Tokens
    changes: Changes
