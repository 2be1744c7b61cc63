"""Purges ordered, durably, by whoever may, and what has become of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import AssetKind, AssetRef, Instance, guid_from_text, ref_from_text
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.presets import find_preset
from imgsvc.core.purges import HookAddress, HookState, Purge, PurgeOrder
from imgsvc.core.transform import Transform

_ROOTS = ("root", "-1")
_TAGS = "asset- and a GUID, folder- and a number or root, or preset- and a name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """As somebody wrote it: assets by any id, folders by number or `root`, tags as caches in front see them."""

    assets: Sequence[str] = ()
    folders: Sequence[str] = ()
    presets: Sequence[str] = ()
    tags: Sequence[str] = ()
    everything: bool = False
    soft: bool = False


class HookReport(NamedTuple):
    """`failed`: why the last call did not succeed; it is repeated."""

    label: str
    told: bool
    failed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeReport:
    purge: Purge
    hooks: Sequence[HookReport] = field(default_factory=tuple[HookReport, ...])

    @property
    def is_settled(self) -> bool:
        """Nothing more is to be expected before long: each hook was told, or does not answer."""
        return self.purge.finished is not None and all(hook.told or hook.failed for hook in self.hooks)


class PurgeOrders:
    def __init__(
        self,
        *,
        catalog: Catalog,
        presets: Mapping[str, Transform],
        hooks: Sequence[HookAddress],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog = catalog
        self._presets = presets
        self._hooks = hooks
        self._now = now

    async def add(self, instance: Instance, wish: Wish) -> PurgeReport:
        """All that is named is there, or nothing is purged. Raises InvalidParameter, NotFound, StoreFailure."""
        wish = _with_tags(wish)
        order = PurgeOrder(
            assets=await self._find_assets(instance, wish.assets),
            folders=await self._find_folders(instance, wish.folders),
            presets=tuple(dict.fromkeys(map(self._find_preset, wish.presets))),
            everything=wish.everything,
            soft=wish.soft,
        )
        if not (order.assets or order.folders or order.presets or order.everything):
            raise InvalidParameter("body", expected="an object that names something to purge", received="nothing")
        return await self._report(await self._catalog.purges.add(instance, order, now=self._now()))

    async def find(self, instance: Instance, serial: int) -> PurgeReport:
        """Raises NotFound, StoreFailure."""
        purge = await self._catalog.purges.find(instance, serial)
        if purge is None:
            raise NotFound("There is no purge of that id.")
        return await self._report(purge)

    async def _report(self, purge: Purge) -> PurgeReport:
        states = await self._catalog.purges.hooks()
        reports: list[HookReport] = []
        for hook in self._hooks:
            state = states.get(hook.url, HookState(0, ""))
            told = purge.finished is not None and state.told >= purge.announced
            reports.append(HookReport(hook.label, told, "" if told else state.failed))
        return PurgeReport(purge=purge, hooks=reports)

    async def _find_assets(self, instance: Instance, texts: Sequence[str]) -> tuple[UUID, ...]:
        """By the syntax of the id, else by code."""
        by_syntax = [ref_from_text(text, instance=instance) for text in texts]
        by_code = [AssetRef(AssetKind.CODE, text, instance) for text in texts]
        refs = [ref or code for ref, code in zip(by_syntax, by_code, strict=True)]
        found = await self._catalog.assets.find_many([*refs, *by_code])
        guids: dict[UUID, None] = {}
        for text, first, second in zip(texts, found, found[len(texts) :], strict=False):
            asset = first or second
            if asset is None:
                raise NotFound(f"There is no asset of id {text}.")
            guids[asset.id] = None
        return tuple(guids)

    async def _find_folders(self, instance: Instance, texts: Sequence[str]) -> tuple[int | None, ...]:
        serials = [None if text.lower() in _ROOTS else _serial_from_text(text) for text in texts]
        named = [serial for serial in serials if serial is not None]
        found = await self._catalog.folders.find_many(instance, named)
        if None in found:
            raise NotFound(f"There is no folder of id {named[found.index(None)]}.")
        return tuple(dict.fromkeys(serials))

    def _find_preset(self, name: str) -> str:
        if find_preset(name, self._presets) is None:
            raise NotFound(f"There is no preset {name}.")
        return name.lower()


_LARGEST_SERIAL = 2**63 - 1


def _serial_from_text(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST_SERIAL):
        raise NotFound(f"There is no folder of id {text}.")
    return int(text)


def _with_tags(wish: Wish) -> Wish:
    """Each tag is a way to name what else has a name. Raises InvalidParameter."""
    named: dict[str, list[str]] = {"asset": [], "folder": [], "preset": []}
    for tag in wish.tags:
        kind, _, name = tag.partition("-")
        if kind not in named or not name or (kind == "asset" and guid_from_text(name) is None):
            raise InvalidParameter("tags", expected=_TAGS, received=tag)
        named[kind].append(name)
    return Wish(
        assets=_all(wish.assets, named["asset"]),
        folders=_all(wish.folders, named["folder"]),
        presets=_all(wish.presets, named["preset"]),
        everything=wish.everything,
        soft=wish.soft,
    )


def _all(first: Collection[str], second: Collection[str]) -> tuple[str, ...]:
    return (*first, *second)
