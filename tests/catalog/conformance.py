"""What a Catalog must do beside Assets. A test module inherits the classes and says how a catalogue is opened."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import Digest, Folder, Link
from imgsvc.core.errors import Conflict, NotFound
from imgsvc.core.purges import PurgeOrder
from imgsvc.core.tokens import Scope, Token, token_digest
from tests.catalog.records import (
    LATER,
    MOMENT,
    PRESS,
    SHOP,
    add,
    at_once,
    by_id,
    change,
    delete,
    link,
    make_download,
    make_folders,
    make_stored_token,
    moving,
    refs_of,
    some_id,
)
from tests.fakes import NOON, make_file, make_original

FAR = NOON + timedelta(days=365)


class OriginalsConformance:
    """Needs a fixture `catalog`, open and empty."""

    pytestmark = pytest.mark.anyio

    async def test_nothing_is_retired_that_lost_nobody(self, catalog: Catalog) -> None:
        """Neither by being added nor by a change of something else."""
        asset = await add(catalog)
        await change(catalog, asset, name="new.png", original=asset.original)

        assert await catalog.originals.retired(before=FAR) == []

    async def test_an_original_is_retired_when_its_asset_is_deleted(self, catalog: Catalog) -> None:
        """From that moment on, whether or not another shows it."""
        first, second = await add(catalog), await add(catalog, original=make_original(b"other"))
        await add(catalog)
        await delete(catalog, first, now=NOON)
        await delete(catalog, second, now=LATER)

        retired = [await catalog.originals.retired(before=when) for when in (NOON, NOON + MOMENT, LATER, FAR)]

        assert retired[:3] == [[], [first.original.digest], [first.original.digest]]
        assert sorted(retired[3]) == sorted([first.original.digest, second.original.digest])

    async def test_an_original_is_retired_when_it_is_replaced(self, catalog: Catalog) -> None:
        """The old one, not the new."""
        asset = await add(catalog)
        await change(catalog, asset, original=make_original(b"new"), now=LATER)

        assert await catalog.originals.retired(before=LATER) == []
        assert await catalog.originals.retired(before=LATER + MOMENT) == [asset.original.digest]

    async def test_an_original_is_retired_when_its_file_expires(self, catalog: Catalog) -> None:
        file = await catalog.files.add(SHOP, "chart.pdf", make_file(), now=NOON)
        await catalog.files.expire(before=FAR, now=LATER)

        assert await catalog.originals.retired(before=LATER) == []
        assert await catalog.originals.retired(before=FAR) == [file.original.digest]

    async def test_bytes_that_no_record_knows_can_be_retired(self, catalog: Catalog) -> None:
        """They were kept for one that could not be made; they are unused until somebody shows them."""
        asset, unknown = await add(catalog), make_original(b"unknown").digest
        for digest in (asset.original.digest, unknown):
            await catalog.originals.retire(digest, now=NOON)

        assert await catalog.originals.retired(before=NOON) == []
        assert set(await catalog.originals.retired(before=LATER)) == {asset.original.digest, unknown}
        assert await catalog.originals.unused([asset.original.digest, unknown]) == [unknown]
        await catalog.originals.settle([asset.original.digest, unknown], gone=[unknown])
        assert await catalog.originals.retired(before=FAR) == []
        assert await catalog.assets.find(by_id(asset.id)) == asset

    async def test_the_last_retirement_counts(self, catalog: Catalog) -> None:
        """Whoever was about to show it then has the whole grace."""
        first, second = await add(catalog), await add(catalog)
        await delete(catalog, first, now=NOON)
        await delete(catalog, second, now=LATER)

        assert await catalog.originals.retired(before=LATER) == []
        assert await catalog.originals.retired(before=FAR) == [first.original.digest]

    async def test_what_an_asset_or_a_file_shows_is_used(self, catalog: Catalog) -> None:
        """Of whatever instance, whether or not another has lost it; what nobody has heard of is not."""
        shown = await add(catalog, original=make_original(b"shown"))
        elsewhere = await add(catalog, original=make_original(b"elsewhere"), instance=PRESS)
        sent = await catalog.files.add(PRESS, "sent.png", make_original(b"sent"), now=NOON)
        gone = await add(catalog, original=make_original(b"gone"))
        double = await add(catalog, original=make_original(b"shown"))
        await delete(catalog, gone, double)
        unknown = Digest("f" * 64)

        digests = [*(one.original.digest for one in (shown, elsewhere, sent, gone)), unknown]
        unused = await catalog.originals.unused(digests)

        assert sorted(unused) == sorted([gone.original.digest, unknown])
        assert await catalog.originals.unused([]) == []

    async def test_more_than_fit_into_one_question_are_looked_at(self, catalog: Catalog) -> None:
        asset = await add(catalog)
        many = [Digest(f"{number:064}") for number in range(1200)]

        unused = await catalog.originals.unused([*many, asset.original.digest, *many[:3]])

        assert set(unused) == set(many)

    async def test_what_is_settled_is_no_longer_retired(self, catalog: Catalog) -> None:
        """Where somebody shows it; the rest stays, and what has lost its last asset since it was looked at."""
        first, second = await add(catalog), await add(catalog, original=make_original(b"other"))
        await add(catalog)
        await delete(catalog, first, second)

        await catalog.originals.settle([first.original.digest, second.original.digest], gone=[])

        assert await catalog.originals.retired(before=FAR) == [second.original.digest]

    async def test_what_was_retired_anew_meanwhile_stays_so(self, catalog: Catalog) -> None:
        """It has lost its last asset since it was looked at, and who took that may have died."""
        first, second = await add(catalog), await add(catalog)
        digest = first.original.digest
        await delete(catalog, first)
        unused = await catalog.originals.unused([digest])
        await delete(catalog, second)

        await catalog.originals.settle([digest], gone=unused)

        assert unused == []
        assert await catalog.originals.retired(before=FAR) == [digest]

    async def test_the_record_of_what_is_gone_goes(self, catalog: Catalog) -> None:
        """The same bytes that come again are told anew; what was settled and is not gone is known as before."""
        for gone, checksum in ((False, 1), (True, 2)):
            asset = await add(catalog, original=replace(make_original(), crc32=1))
            await delete(catalog, asset)
            digest = asset.original.digest
            await catalog.originals.settle([digest], gone=[digest] if gone else [])

            again = await add(catalog, original=replace(make_original(), crc32=2))

            found = await catalog.assets.find(by_id(again.id))
            assert found is not None
            assert found.original.crc32 == checksum
            await delete(catalog, again)


class ChangesConformance:
    """Needs a fixture `catalog`, open and empty."""

    pytestmark = pytest.mark.anyio

    async def test_what_may_have_been_found_before_is_counted(self, catalog: Catalog) -> None:
        """Each change and each purge once, however many assets it is of; what is new was not found before."""
        counts = [await catalog.changes.count()]
        first, second = await add(catalog), await add(catalog, "b.png")
        counts.append(await catalog.changes.count())
        await change(catalog, first, name="c.png")
        counts.append(await catalog.changes.count())
        await delete(catalog, first, second)
        counts.append(await catalog.changes.count())
        await catalog.purges.add(SHOP, PurgeOrder(everything=True), now=NOON)
        counts.append(await catalog.changes.count())

        assert counts == [0, 0, 1, 2, 3]

    async def test_what_fails_is_not(self, catalog: Catalog) -> None:
        first, _ = await add(catalog, code="a"), await add(catalog, code="b")

        with pytest.raises(Conflict):
            await change(catalog, first, code="b")

        assert await catalog.changes.count() == 0


class FoldersConformance:
    """Needs fixtures `catalog`, open and empty, and `another`, which another process has opened upon the same."""

    pytestmark = pytest.mark.anyio

    async def test_they_lie_only_so_deep_in_each_other(self, catalog: Catalog) -> None:
        """Made one by one, or moved: what is above a folder is looked at for every change."""
        parent: int | None = None
        for _ in range(64):
            (folder,) = await catalog.folders.add(SHOP, [(parent, "in")])
            parent = folder.serial
        (other,) = await catalog.folders.add(SHOP, [(None, "other")])

        with pytest.raises(Conflict):
            await catalog.folders.add(SHOP, [(parent, "in")])
        with pytest.raises(Conflict):
            await catalog.folders.change(SHOP, {other.serial: lambda folder: replace(folder, parent=parent)})

    async def test_what_was_added_is_found(self, catalog: Catalog) -> None:
        """In the order it was asked for, some twice, some not there."""
        root, child = await make_folders(catalog, "summer", "shirts")

        found = await catalog.folders.find_many(SHOP, [child.serial, 4711, root.serial, child.serial])

        assert (root.parent, root.name, child.parent, child.name) == (None, "summer", root.serial, "shirts")
        assert found == [child, None, root, child]

    async def test_several_are_added_together(self, catalog: Catalog) -> None:
        """Answered in their order."""
        (root,) = await make_folders(catalog, "summer")

        added = await catalog.folders.add(SHOP, [(root.serial, "b"), (None, "b"), (root.serial, "a")])

        assert [(folder.parent, folder.name) for folder in added] == [
            (root.serial, "b"),
            (None, "b"),
            (root.serial, "a"),
        ]
        assert await catalog.folders.children(SHOP, root.serial) == [added[2], added[0]]

    @pytest.mark.parametrize(
        ("hindering", "failure"),
        [((4711, "x"), NotFound), ((None, "summer"), Conflict), ((None, "new"), Conflict)],
        ids=["no parent", "taken", "twice"],
    )
    async def test_all_are_added_or_none(
        self, catalog: Catalog, hindering: tuple[int | None, str], failure: type[Exception]
    ) -> None:
        """Where a parent is not there or a name is taken, also by another of them."""
        before = await make_folders(catalog, "summer")

        with pytest.raises(failure):
            await catalog.folders.add(SHOP, [(None, "new"), hindering])

        assert await catalog.folders.children(SHOP, None) == before

    async def test_a_name_is_taken_among_its_siblings_alone(self, catalog: Catalog) -> None:
        """In the root as anywhere; by case and to the letter."""
        first, second, _ = await make_folders(catalog, "a", "a", "a")
        await catalog.folders.add(SHOP, [(None, "A"), (None, "a "), (first.serial, "b")])

        for parent in (None, first.serial, second.serial):
            with pytest.raises(Conflict):
                await catalog.folders.add(SHOP, [(parent, "a")])

    async def test_one_name_wanted_by_many_is_given_to_one(self, catalog: Catalog, another: Catalog) -> None:
        outcomes = await at_once(
            one.folders.add(SHOP, [(None, "summer")]) for one in (catalog, another) for _ in range(5)
        )

        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9
        assert len(await catalog.folders.children(SHOP, None)) == 1

    async def test_a_folder_is_renamed_and_moved(self, catalog: Catalog) -> None:
        """What is in it comes with it."""
        root, child = await make_folders(catalog, "summer", "shirts")
        asset = await add(catalog, folder=child.serial)

        (moved,) = await catalog.folders.change(SHOP, {child.serial: moving(parent=None, name="tops")})

        assert moved == Folder(serial=child.serial, parent=None, name="tops")
        assert await catalog.folders.children(SHOP, None) == [root, moved]
        assert await catalog.assets.in_folder(SHOP, child.serial, after=None, limit=9) == [asset]

    async def test_a_folder_cannot_lie_in_itself(self, catalog: Catalog) -> None:
        """Neither at once, nor some folders deep, nor by two that move into each other."""
        chain = await make_folders(catalog, "a", "b", "c", "d")
        a, b, c, d = (folder.serial for folder in chain)
        (e,) = await catalog.folders.add(SHOP, [(None, "e")])
        attempts = [
            {a: moving(parent=a)},
            {a: moving(parent=b)},
            {a: moving(parent=d)},
            {b: moving(parent=d)},
            {a: moving(parent=e.serial), e.serial: moving(parent=c)},
        ]

        for attempt in attempts:
            with pytest.raises(Conflict):
                await catalog.folders.change(SHOP, attempt)

        assert await catalog.folders.find_many(SHOP, [a, b, c, d, e.serial]) == [*chain, e]

    async def test_two_moved_at_the_same_time_do_not_end_up_in_each_other(
        self, catalog: Catalog, another: Catalog
    ) -> None:
        """One of them is told that it cannot be."""
        a, b = await catalog.folders.add(SHOP, [(None, "a"), (None, "b")])

        outcomes = await at_once(
            [
                catalog.folders.change(SHOP, {a.serial: moving(parent=b.serial)}),
                another.folders.change(SHOP, {b.serial: moving(parent=a.serial)}),
            ]
        )

        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
        assert len(await catalog.folders.children(SHOP, None)) == 1

    async def test_two_folders_may_change_places(self, catalog: Catalog) -> None:
        """A child with its parent, a name with a name: what counts is how it is in the end."""
        parent, child = await make_folders(catalog, "a", "b")
        (sibling,) = await catalog.folders.add(SHOP, [(None, "c")])

        await catalog.folders.change(
            SHOP, {parent.serial: moving(parent=child.serial), child.serial: moving(parent=None)}
        )
        changed = await catalog.folders.change(SHOP, {child.serial: moving(name="c"), sibling.serial: moving(name="b")})

        assert await catalog.folders.children(SHOP, None) == [changed[1], changed[0]]
        assert await catalog.folders.children(SHOP, child.serial) == [replace(parent, parent=child.serial)]

    async def test_all_are_changed_or_none(self, catalog: Catalog) -> None:
        """Where one or its new parent is not there, the name is taken, or an edit raises."""
        a, b = await catalog.folders.add(SHOP, [(None, "a"), (None, "b")])

        def fail(_: Folder) -> Folder:
            raise RuntimeError("the edit's own")

        hindrances = [
            (4711, moving(name="x"), NotFound),
            (b.serial, moving(parent=4711), NotFound),
            (b.serial, moving(name="new"), Conflict),
            (b.serial, fail, RuntimeError),
        ]
        for serial, hindering, failure in hindrances:
            with pytest.raises(failure):
                await catalog.folders.change(SHOP, {a.serial: moving(name="new"), serial: hindering})

        assert await catalog.folders.find_many(SHOP, [a.serial, b.serial]) == [a, b]

    async def test_a_folder_that_is_not_empty_is_not_deleted(self, catalog: Catalog) -> None:
        """An asset or a folder in it stands against it, and nothing that was to go with it goes."""
        root, child = await make_folders(catalog, "a", "b")
        (free,) = await catalog.folders.add(SHOP, [(None, "c")])
        asset = await add(catalog, folder=child.serial)

        for serials in ([root.serial], [child.serial], [root.serial, child.serial, free.serial]):
            with pytest.raises(Conflict):
                await catalog.folders.delete(SHOP, serials)
        await delete(catalog, asset)
        with pytest.raises(Conflict):
            await catalog.folders.delete(SHOP, [free.serial, root.serial])

        assert await catalog.folders.find_many(SHOP, [root.serial, child.serial, free.serial]) == [root, child, free]

    @pytest.mark.parametrize("order", [1, -1])
    async def test_folders_are_deleted_with_those_in_them(self, catalog: Catalog, order: int) -> None:
        """Where all that is in them is deleted, too; named in any order."""
        folders = await make_folders(catalog, "a", "b", "c", "d")
        gone = [folder.serial for folder in folders[1:]][::order]

        await catalog.folders.delete(SHOP, gone)

        assert await catalog.folders.find_many(SHOP, gone) == [None] * 3
        assert await catalog.folders.children(SHOP, folders[0].serial) == []

    async def test_more_than_fit_into_one_statement_are_deleted(self, catalog: Catalog) -> None:
        """Each in the one before it."""
        folders = await make_folders(catalog, "root")
        folders += await catalog.folders.add(SHOP, [(folders[0].serial, str(number)) for number in range(1200)])
        folders += await catalog.folders.add(SHOP, [(folder.serial, "in") for folder in folders[600:700]])

        await catalog.folders.delete(SHOP, [folder.serial for folder in folders])

        assert await catalog.folders.children(SHOP, None) == []

    async def test_what_is_not_there_is_not_deleted(self, catalog: Catalog) -> None:
        """And what is stays."""
        (folder,) = await make_folders(catalog, "a")

        with pytest.raises(NotFound):
            await catalog.folders.delete(SHOP, [folder.serial, 4711])

        assert await catalog.folders.children(SHOP, None) == [folder]

    async def test_children_are_listed_by_name(self, catalog: Catalog) -> None:
        """Those of the root, too; of no folder there are none to list."""
        added = await catalog.folders.add(SHOP, [(None, name) for name in ("b", "a", "B", "ä")])

        assert await catalog.folders.children(SHOP, None) == sorted(added, key=lambda folder: folder.name)
        assert await catalog.folders.children(SHOP, added[0].serial) == []
        with pytest.raises(NotFound):
            await catalog.folders.children(SHOP, 4711)

    async def test_no_instance_sees_anothers_folders(self, catalog: Catalog) -> None:
        """They are not there, by any method; names in the root are each one's own."""
        (own,), (theirs,) = await make_folders(catalog, "a"), await make_folders(catalog, "a", instance=PRESS)
        attempts: list[Callable[[], Awaitable[object]]] = [
            lambda: catalog.folders.add(SHOP, [(theirs.serial, "x")]),
            lambda: catalog.folders.change(SHOP, {theirs.serial: moving(name="x")}),
            lambda: catalog.folders.change(SHOP, {own.serial: moving(parent=theirs.serial)}),
            lambda: catalog.folders.delete(SHOP, [theirs.serial]),
            lambda: catalog.folders.children(SHOP, theirs.serial),
        ]

        for attempt in attempts:
            with pytest.raises(NotFound):
                await attempt()

        assert await catalog.folders.find_many(SHOP, [theirs.serial, own.serial]) == [None, own]
        assert await catalog.folders.children(SHOP, None) == [own]
        assert await catalog.folders.children(PRESS, None) == [theirs]


class FilesConformance:
    """Needs a fixture `catalog`, open and empty."""

    pytestmark = pytest.mark.anyio

    async def test_what_was_sent_is_found(self, catalog: Catalog) -> None:
        """As it was answered, by no other id and in no other instance."""
        file = await catalog.files.add(SHOP, "chart.pdf", make_file(), now=NOON)

        assert (file.name, file.original, file.created) == ("chart.pdf", make_file(), NOON)
        assert await catalog.files.find(SHOP, file.id) == file
        assert await catalog.files.find(SHOP, some_id()) is None
        assert await catalog.files.find(PRESS, file.id) is None

    async def test_equal_bytes_are_files_each(self, catalog: Catalog) -> None:
        files = [await catalog.files.add(SHOP, "a.png", make_original(), now=NOON) for _ in range(3)]

        assert len({file.id for file in files}) == 3

    async def test_a_file_that_was_used_shows_its_bytes_no_more(self, catalog: Catalog) -> None:
        """Its asset does; another file of the same bytes, or of another instance's, is not used by that."""
        file = await catalog.files.add(SHOP, "a.pdf", make_file(), now=NOON)
        asset = await add(catalog, "a.pdf", make_file())
        digest = file.original.digest

        await catalog.files.use(PRESS, file.id)
        await delete(catalog, asset)
        shown_by_the_file = await catalog.originals.unused([digest])
        await catalog.files.use(SHOP, file.id)
        shown_by_nobody = await catalog.originals.unused([digest])
        await catalog.files.add(PRESS, "b.pdf", make_file(), now=NOON)
        shown_by_another = await catalog.originals.unused([digest])

        assert (shown_by_the_file, shown_by_nobody, shown_by_another) == ([], [digest], [])

    async def test_a_file_that_was_used_goes_before_its_bytes(self, catalog: Catalog) -> None:
        """It is found until then; one of the same bytes that waits for its asset stays."""
        file = await catalog.files.add(SHOP, "a.pdf", make_file(), now=NOON)
        other = await catalog.files.add(SHOP, "b.pdf", make_file(), now=NOON)
        asset = await add(catalog, "a.pdf", make_file())
        await catalog.files.use(SHOP, file.id)
        await delete(catalog, asset)
        before = await catalog.files.find(SHOP, file.id)

        await catalog.files.forget_used([file.original.digest])

        assert before == file
        assert await catalog.files.find(SHOP, file.id) is None
        assert await catalog.files.find(SHOP, other.id) == other

    async def test_using_what_is_not_there_does_nothing(self, catalog: Catalog) -> None:
        await catalog.files.use(SHOP, some_id())

        assert await catalog.assets.is_empty()

    async def test_files_are_forgotten_that_were_sent_before_then(self, catalog: Catalog) -> None:
        """In all instances; how many is told, once."""
        old = [await catalog.files.add(one, "old.png", make_original(b"old"), now=NOON) for one in (SHOP, PRESS)]
        new = await catalog.files.add(SHOP, "new.png", make_original(b"new"), now=LATER)

        counts = [await catalog.files.expire(before=when, now=FAR) for when in (NOON, LATER, LATER)]

        assert counts == [0, 2, 0]
        assert [await catalog.files.find(one, file.id) for one, file in zip((SHOP, PRESS), old, strict=True)] == [
            None
        ] * 2
        assert await catalog.files.find(SHOP, new.id) == new


class LinksConformance:
    """Needs a fixture `catalog`, open and empty."""

    pytestmark = pytest.mark.anyio

    async def test_what_was_added_is_found(self, catalog: Catalog) -> None:
        """As it was answered, to the asset by whatever id it was named."""
        asset = await add(catalog)

        for number, ref in enumerate(refs_of(asset)):
            added = await catalog.links.add(
                ref, origin=f"product-{number}", link_type="main", attributes={"a": [1, None]}, sequence=7
            )
            expected = Link(
                serial=added.serial,
                origin=f"product-{number}",
                target=asset.serial,
                link_type="main",
                attributes={"a": [1, None]},
                sequence=7,
            )
            assert added == expected
            assert await catalog.links.find(SHOP, added.serial) == expected

    async def test_the_same_link_again_is_the_link_that_is_there(self, catalog: Catalog) -> None:
        """Changed; another origin, target or type makes another one."""
        first, second = await add(catalog), await add(catalog)
        before = await link(catalog, first, "o", link_type="t", attributes={"a": 1}, sequence=1)

        again = await link(catalog, first, "o", link_type="t", attributes={"b": 2}, sequence=2)
        others = [
            await link(catalog, first, "p", link_type="t"),
            await link(catalog, first, "o", link_type="u"),
            await link(catalog, second, "o", link_type="t"),
        ]

        assert again == replace(before, attributes={"b": 2}, sequence=2)
        assert await catalog.links.find(SHOP, before.serial) == again
        assert len({one.serial for one in (again, *others)}) == 4

    async def test_nothing_is_linked_to_what_is_not_there(self, catalog: Catalog) -> None:
        with pytest.raises(NotFound):
            await catalog.links.add(by_id(some_id()), origin="o", link_type="t", attributes={}, sequence=0)

    async def test_links_are_given_by_asset_in_their_sequence(self, catalog: Catalog) -> None:
        """Of those asked for; an asset without any has none."""
        assets = [await add(catalog) for _ in range(3)]
        links = [
            await link(catalog, asset, f"product-{number}", sequence=number)
            for asset in assets[:2]
            for number in (3, -1, 2)
        ]

        found = await catalog.links.of_assets([asset.serial for asset in assets[1:]])

        assert {serial: rest for serial, rest in found.items() if rest} == {
            assets[1].serial: [links[4], links[5], links[3]]
        }
        assert not await catalog.links.of_assets([])

    async def test_a_link_is_deleted_once(self, catalog: Catalog) -> None:
        """Whether it was there is told; the others stay."""
        asset = await add(catalog)
        first, second = await link(catalog, asset, "a"), await link(catalog, asset, "b")

        told = [await catalog.links.delete(SHOP, first.serial) for _ in range(2)]

        assert told == [True, False]
        assert await catalog.links.find(SHOP, first.serial) is None
        assert (await catalog.links.of_assets([asset.serial]))[asset.serial] == [second]

    async def test_a_serial_is_never_given_twice(self, catalog: Catalog) -> None:
        """Whoever holds an old one deletes nobody else's."""
        asset = await add(catalog)
        first = await link(catalog, asset, "a")
        await catalog.links.delete(SHOP, first.serial)

        assert (await link(catalog, asset, "b")).serial > first.serial

    async def test_no_instance_sees_anothers_links(self, catalog: Catalog) -> None:
        """Nor deletes them."""
        theirs = await link(catalog, await add(catalog, instance=PRESS))

        assert await catalog.links.find(SHOP, theirs.serial) is None
        assert await catalog.links.delete(SHOP, theirs.serial) is False
        assert await catalog.links.find(PRESS, theirs.serial) == theirs


class DownloadsConformance:
    """Needs a fixture `catalog`, open and empty."""

    pytestmark = pytest.mark.anyio

    async def test_what_was_prepared_is_found_until_it_expires(self, catalog: Catalog) -> None:
        """As it was, byte for byte; afterwards it is not there."""
        download = make_download("one", expires=LATER)
        await catalog.downloads.add(download, now=NOON)

        found = [await catalog.downloads.find("one", now=when) for when in (NOON, LATER - MOMENT, LATER + MOMENT)]

        assert found == [download, download, None]
        assert await catalog.downloads.find("two", now=NOON) is None

    async def test_what_has_expired_is_forgotten_when_another_comes(self, catalog: Catalog) -> None:
        """Nobody sweeps otherwise; what has not stays."""
        for name, expires in (("old", LATER), ("fresh", FAR)):
            await catalog.downloads.add(make_download(name, expires=expires), now=NOON)

        await catalog.downloads.add(make_download("new", expires=FAR), now=LATER + MOMENT)

        assert [await catalog.downloads.find(name, now=NOON) is None for name in ("old", "fresh", "new")] == [
            True, False, False,
        ]  # fmt: skip


class TokensConformance:
    """Needs a fixture `catalog`, open and empty."""

    pytestmark = pytest.mark.anyio

    async def test_tokens_are_found_by_digest(self, catalog: Catalog) -> None:
        """As they were, scopes, instance and all, with a serial."""
        token = make_stored_token("the shop", Scope.READ, Scope.DELETE, instance=PRESS)

        added = await catalog.tokens.add(token)

        assert added == replace(token, serial=added.serial)
        assert added.serial > 0
        assert await catalog.tokens.find(token.digest) == added
        assert await catalog.tokens.find(token_digest("another")) is None

    async def test_tokens_are_listed_oldest_first(self, catalog: Catalog) -> None:
        added = [
            await catalog.tokens.add(make_stored_token(name, created=NOON + timedelta(days=days)))
            for name, days in (("b", 2), ("a", 1), ("c", 1))
        ]

        assert await catalog.tokens.list() == [added[1], added[2], added[0]]

    async def test_tokens_are_revoked_by_name(self, catalog: Catalog) -> None:
        """All of that name and no other; how many is told."""
        revoked = [await catalog.tokens.add(make_stored_token("shop")) for _ in range(2)]
        stays = await catalog.tokens.add(make_stored_token("press"))

        assert await catalog.tokens.revoke("shop") == 2
        assert await catalog.tokens.revoke("shop") == 0
        assert await catalog.tokens.list() == [stays]
        assert await catalog.tokens.find(revoked[0].digest) is None

    async def test_a_serial_is_never_given_twice(self, catalog: Catalog) -> None:
        """Assets say by it who made them."""
        tokens: list[Token] = []
        for name in ("a", "b", "c"):
            tokens.append(await catalog.tokens.add(make_stored_token(name)))
            await catalog.tokens.revoke(name)

        assert len({token.serial for token in tokens}) == 3
