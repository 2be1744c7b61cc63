"""The records of the library: which assets there are, which original each shows, who may change them."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from imgsvc.core.assets import Asset, AssetRef, Digest, Original
from imgsvc.core.tokens import Token, TokenDigest


class Catalog(Protocol):
    """Every change is durable when its method returns. Times are UTC. All raise StoreFailure."""

    async def find(self, ref: AssetRef) -> Asset | None: ...

    async def find_same(self, name: str, digest: Digest) -> Asset | None:
        """The oldest asset of that very name that shows that very original."""
        ...

    async def add(self, asset_id: UUID, name: str, original: Original, *, now: datetime) -> Asset:
        """Gives the asset its slug, which depends on the id alone unless another asset has it already.

        Raises Conflict where the id is taken.
        """
        ...

    async def add_once(self, asset_id: UUID, name: str, original: Original, *, now: datetime) -> tuple[Asset, bool]:
        """As `add`, unless `find_same` finds one, in one transaction. Whether the asset is new."""
        ...

    async def replace(self, asset_id: UUID, original: Original, *, now: datetime) -> Asset | None:
        """Lets the asset show another original from now on; id, slug and name stay. None: there is no such asset."""
        ...

    async def is_empty(self) -> bool: ...

    async def add_token(self, token: Token) -> None: ...

    async def find_token(self, digest: TokenDigest) -> Token | None: ...

    async def list_tokens(self) -> list[Token]:
        """Oldest first."""
        ...

    async def revoke_tokens(self, name: str) -> int:
        """How many of that name there were."""
        ...
