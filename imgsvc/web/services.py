"""What the routes of an API work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from imgsvc.catalog.base import Catalog
from imgsvc.core.signing import SigningKeys
from imgsvc.core.transform import Transform
from imgsvc.service.batches import Batches
from imgsvc.service.delivery import Delivery
from imgsvc.service.imports import Imports
from imgsvc.service.ingest import Ingest
from imgsvc.service.removal import Removal
from imgsvc.storage.blobs import BlobStore
from imgsvc.web.addresses import Addresses
from imgsvc.web.auth import Guard
from imgsvc.web.gate import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """`upload_limit` in bytes; `link_seconds`: how long a signed link holds; `now` is UTC."""

    catalog: Catalog
    ingest: Ingest
    removal: Removal
    imports: Imports
    delivery: Delivery
    batches: Batches
    blobs: BlobStore
    guard: Guard
    addresses: Addresses
    gate: Gate
    presets: Mapping[str, Transform]
    upload_limit: int
    signing_keys: SigningKeys
    link_seconds: int
    now: Callable[[], datetime]
