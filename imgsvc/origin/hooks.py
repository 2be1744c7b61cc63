"""Caches in front, told which tags to drop. Their addresses are the operator's, so none is guarded against."""

from hashlib import sha256
from hmac import new as hmac
from importlib.metadata import version
from types import TracebackType
from typing import Self, TypedDict

import httpx
import msgspec

from imgsvc.core.assets import Instance
from imgsvc.core.errors import OriginCause, OriginFailure
from imgsvc.core.purges import HookAddress, HookKind

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of a webhook. `id` grows from call to call; one that came before may come again."""

    id: int
    instance: Instance
    tags: list[str]
    soft: bool


class Hook:
    """`key`: signs what webhooks are told; None: it is not signed."""

    def __init__(self, address: HookAddress, *, key: str | None) -> None:
        self.address = address
        self._key = key

    async def __aenter__(self) -> Self:
        agent = {"User-Agent": f"imgsvc/{version('imgsvc')}"}
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, headers=agent)
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def tell(self, told: Told) -> None:
        """Returns when it was taken, which an answer from 200 to 299 says. Raises OriginFailure."""
        label = self.address.label
        try:
            # Of the body nothing is read.
            async with self._client.stream(**_request(self.address, told, self._key)) as response:
                status = response.status_code
        except httpx.TimeoutException as error:
            raise OriginFailure(OriginCause.TIMEOUT, f"{label} did not answer in time.") from error
        except (httpx.TransportError, OSError) as error:
            raise OriginFailure(OriginCause.UNREACHABLE, f"{label} could not be reached.") from error
        if not 200 <= status < 300:
            raise OriginFailure(OriginCause.STATUS, f"{label} answered with status {status}.")


class _Request(TypedDict):
    method: str
    url: str
    headers: dict[str, str]
    content: bytes


def _request(address: HookAddress, told: Told, key: str | None) -> _Request:
    match address.kind:
        case HookKind.VARNISH:
            tags = " ".join(told.tags)
            # Names of Varnish' own xkey module, which knows soft purges; a ban by Surrogate-Key works without it.
            xkey = "xkey-softpurge" if told.soft else "xkey-purge"
            return _Request(method="PURGE", url=address.url, headers={"Surrogate-Key": tags, xkey: tags}, content=b"")
        case HookKind.WEBHOOK:
            body = msgspec.json.encode(told)
            headers = {"Content-Type": "application/json"}
            if key is not None:
                headers["Imgsvc-Signature"] = f"sha256={hmac(key.encode(), body, sha256).hexdigest()}"
            return _Request(method="POST", url=address.url, headers=headers, content=body)
