"""What a Catalog's Purges must do. A test module inherits the class and says how a catalogue is opened."""

from datetime import timedelta

import pytest

from imgsvc.catalog.base import Catalog
from imgsvc.core.errors import Conflict
from imgsvc.core.purges import MOST_TAGS, Announcement, HookState, PurgeOrder, Receipt
from imgsvc.core.tags import asset_tag
from tests.catalog.records import LATER, PRESS, SHOP, add, by_id, change, delete, link, make_folders, some_id
from tests.fakes import NOON, make_original

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
ALL = PurgeOrder(everything=True)


class PurgesConformance:
    """Needs a fixture `catalog`, open and empty."""

    pytestmark = pytest.mark.anyio

    async def test_an_order_is_found_as_it_was_given(self, catalog: Catalog) -> None:
        """By its own instance alone."""
        order = PurgeOrder(assets=(some_id(),), folders=(None, 7), presets=("icon",), soft=True)

        added = await catalog.purges.add(SHOP, order, now=NOON)

        assert await catalog.purges.find(SHOP, added.serial) == added
        assert (added.order, added.instance, added.created, added.receipt) == (order, SHOP, NOON, Receipt())
        assert await catalog.purges.find(PRESS, added.serial) is None

    async def test_the_oldest_order_is_carried_out_first(self, catalog: Catalog) -> None:
        """Until it is finished, whoever has begun it; then the next."""
        first, second = [await catalog.purges.add(instance, ALL, now=NOON) for instance in (SHOP, PRESS)]
        await catalog.purges.progress(first.serial, Receipt(assets=3))
        begun = await catalog.purges.unfinished()

        await catalog.purges.finish(first, Receipt(assets=4), now=LATER)

        assert begun is not None
        assert (begun.serial, begun.receipt) == (first.serial, Receipt(assets=3))
        assert await catalog.purges.unfinished() == second
        finished = await catalog.purges.find(SHOP, first.serial)
        assert finished is not None
        assert (finished.finished, finished.receipt, finished.announced) == (LATER, Receipt(assets=4), 0)

    async def test_a_finished_purge_is_announced(self, catalog: Catalog) -> None:
        """In portions that a header can carry; the receipt knows the last of them."""
        tags = tuple(f"folder-{number}" for number in range(MOST_TAGS + 1))
        purge = await catalog.purges.add(SHOP, PurgeOrder(everything=True, soft=True), now=NOON)

        await catalog.purges.finish(purge, Receipt(tags=tags), now=LATER)

        first, second = await catalog.purges.announcements(after=0, limit=10)
        assert (first.tags, second.tags) == (tags[:MOST_TAGS], tags[MOST_TAGS:])
        assert (second.instance, second.soft, second.created) == (SHOP, True, LATER)
        finished = await catalog.purges.find(SHOP, purge.serial)
        assert finished is not None
        assert finished.announced == second.serial > first.serial

    async def test_receipts_are_kept_for_a_day(self, catalog: Catalog) -> None:
        """From their end; what is not finished stays."""
        old, waiting = [await catalog.purges.add(SHOP, ALL, now=NOON) for _ in range(2)]
        await catalog.purges.finish(old, Receipt(), now=NOON)

        await catalog.purges.add(SHOP, ALL, now=NOON + DAY)
        kept = await catalog.purges.find(SHOP, old.serial)
        await catalog.purges.add(SHOP, ALL, now=NOON + DAY + MOMENT)

        assert kept is not None
        assert await catalog.purges.find(SHOP, old.serial) is None
        assert await catalog.purges.find(SHOP, waiting.serial) == waiting

    async def test_what_urls_answer_otherwise_is_announced(self, catalog: Catalog) -> None:
        """With the change: other bytes, another name, folder or code, nothing any more. Nothing else is."""
        (folder,) = await make_folders(catalog, "shirts")
        asset = await add(catalog)
        await change(catalog, asset, description="red")
        await link(catalog, asset)
        silent = await _announced(catalog)

        await change(catalog, asset, original=make_original(b"other"))
        await change(catalog, asset, name="other.png")
        await change(catalog, asset, folder=folder.serial)
        await change(catalog, asset, code="other")
        await delete(catalog, asset)

        told = await _announced(catalog)
        assert silent == []
        assert [(one.tags, one.instance, one.soft) for one in told] == [((asset_tag(asset.id),), SHOP, False)] * 5

    async def test_assets_that_are_changed_together_are_announced_together(self, catalog: Catalog) -> None:
        """Each once."""
        assets = [await add(catalog, original=make_original(b"%d" % number)) for number in range(3)]

        await delete(catalog, *assets)

        (told,) = await _announced(catalog)
        assert sorted(told.tags) == sorted(asset_tag(asset.id) for asset in assets)

    async def test_a_change_that_fails_is_not_announced(self, catalog: Catalog) -> None:
        """One transaction."""
        asset, _ = await add(catalog, code="one"), await add(catalog, code="two")

        with pytest.raises(Conflict):
            await change(catalog, asset, code="two")

        assert await _announced(catalog) == []

    async def test_announcements_are_kept_until_every_hook_was_told(self, catalog: Catalog) -> None:
        """Those that are given up count as told; a hook that is no more is not waited for."""
        await catalog.purges.keep_hooks(["a", "b"])
        for _ in range(3):
            await delete(catalog, await add(catalog))
        first, second, third = (one.serial for one in await _announced(catalog))

        await catalog.purges.note("a", HookState(third, ""))
        await catalog.purges.note("b", HookState(first, "It burns."))
        left = [one.serial for one in await _announced(catalog)]
        states = await catalog.purges.hooks()
        await catalog.purges.keep_hooks(["a", "c"])
        for_another = await _announced(catalog)
        await catalog.purges.keep_hooks(["a"])

        assert left == [second, third]
        assert states == {"a": HookState(third, ""), "b": HookState(first, "It burns.")}
        assert [one.serial for one in for_another] == [second, third]
        assert await _announced(catalog) == []

    async def test_nothing_is_kept_for_nobody(self, catalog: Catalog) -> None:
        await delete(catalog, await add(catalog))

        await catalog.purges.keep_hooks([])

        assert await _announced(catalog) == []

    async def test_announcements_come_in_order_and_by_the_page(self, catalog: Catalog) -> None:
        assets = [await add(catalog) for _ in range(3)]
        for asset in assets:
            await catalog.assets.delete([by_id(asset.id)], now=NOON)
        told = await _announced(catalog)

        page = await catalog.purges.announcements(after=told[0].serial, limit=1)

        assert [one.tags for one in told] == [(asset_tag(asset.id),) for asset in assets]
        assert page == [told[1]]


async def _announced(catalog: Catalog) -> list[Announcement]:
    return await catalog.purges.announcements(after=0, limit=100)
