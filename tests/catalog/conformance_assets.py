"""What all Assets must do. An implementation's test module inherits the class and says how a catalogue is opened."""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from imgsvc.catalog.base import Catalog, FolderPlace
from imgsvc.core.assets import (
    SLUG_ALPHABET,
    SLUG_LENGTH,
    Asset,
    AssetKind,
    AssetRef,
    Digest,
    ImageInfo,
    Instance,
    NewAsset,
    Original,
    Slug,
)
from imgsvc.core.errors import Conflict, InvalidParameter, NotFound
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation, Size
from tests.catalog.records import (
    LATER,
    PRESS,
    SHOP,
    add,
    at_once,
    by_code,
    by_id,
    change,
    delete,
    in_order,
    link,
    make_folders,
    make_stored_token,
    refs_of,
    setting,
    some_id,
)
from tests.fakes import NOON, make_file, make_original

STRANGE_NAMES = ("Red Shirt.JPG", "衬衫 👕.png", "a'b\"c%_;--.png", " ", "x" * 255)

ATTRIBUTES = {
    "title": {"en_GB": "Red shirt", "de_DE": "Rotes Hemd, größer 👕"},
    "weight": 0.25,
    "stock": 2**53,
    "tags": ["a", ["b"], {}, None],
    "is_new": True,
    "": "",
}


class AssetsConformance:
    """Needs fixtures `catalog`, open and empty, and `another`, which another process has opened upon the same."""

    pytestmark = pytest.mark.anyio

    async def test_what_was_added_is_found_by_every_kind_of_id(self, catalog: Catalog) -> None:
        """Equal to what adding answered; within its instance and, but for its code, without one."""
        asset = await add(catalog)

        assert [await catalog.assets.find(ref) for ref in refs_of(asset)] == [asset] * 4
        assert [await catalog.assets.find(ref) for ref in refs_of(asset, None)] == [asset] * 3
        assert (asset.name, asset.created, asset.modified) == ("shirt.png", NOON, NOON)
        assert asset.original == make_original()

    async def test_what_was_not_added_is_not_found(self, catalog: Catalog) -> None:
        await add(catalog)

        absent = [
            by_id(some_id()),
            AssetRef(AssetKind.SERIAL, "4711"),
            AssetRef(AssetKind.SERIAL, str(2**63 - 1)),
            AssetRef(AssetKind.SLUG, Slug("aaaaaaaa")),
            by_code("nobody"),
        ]
        assert await catalog.assets.find_many(absent) == [None] * 5

    async def test_an_id_of_one_kind_is_none_of_another(self, catalog: Catalog) -> None:
        """Each kind has words of its own."""
        asset = await add(catalog, code="a code")

        assert await catalog.assets.find(AssetRef(AssetKind.SLUG, str(asset.id), SHOP)) is None
        assert await catalog.assets.find(AssetRef(AssetKind.GUID, asset.slug, SHOP)) is None
        assert await catalog.assets.find(by_code(str(asset.serial))) is None
        assert await catalog.assets.find(by_code(asset.slug)) is None

    async def test_a_code_says_nothing_without_an_instance(self, catalog: Catalog) -> None:
        """It may be many assets' then, and one of them would be shown to whom it is not meant for."""
        await add(catalog, code="shirt")
        await add(catalog, code="shirt", instance=PRESS)

        assert await catalog.assets.find(by_code("shirt", None)) is None

    async def test_every_field_comes_back(self, catalog: Catalog) -> None:
        """At values that are no default."""
        (folder,) = await make_folders(catalog, "summer")
        asset = await add(
            catalog,
            id=some_id(),
            code="SKU 12/3 größer".replace("/", "-"),
            by=5,
            folder=folder.serial,
            description="A red shirt.\nFor summer.",
            attributes=ATTRIBUTES,
            classifications=("b", "a", "größe"),
        )

        found = await catalog.assets.find(by_id(asset.id))

        assert found is not None
        assert found == asset
        assert (found.created_by, found.updated_by, found.folder, found.active) == (5, 5, folder.serial, True)
        assert (found.attributes, found.classifications) == (ATTRIBUTES, ("b", "a", "größe"))
        assert found.description == "A red shirt.\nFor summer."

    async def test_all_that_is_known_of_an_original_comes_back(self, catalog: Catalog) -> None:
        """Every field, at values that are no default."""
        info = ImageInfo(
            format=Format.WEBP,
            size=Size(123, 45_678),
            orientation=Orientation.TRANSVERSED,
            frames=77,
            has_alpha=True,
            is_srgb=False,
        )
        original = Original(
            digest=Digest("d" * 64),
            md5="e" * 32,
            crc32=2**32 - 1,
            length=5_000_000_000,
            info=info,
        )

        asset = await add(catalog, "film.webp", original)

        found = await catalog.assets.find(by_id(asset.id))
        assert found is not None
        assert found.original == original

    async def test_what_is_no_picture_comes_back_as_none(self, catalog: Catalog) -> None:
        """A media type and no pixels."""
        asset = await add(catalog, "chart.pdf", make_file())

        found = await catalog.assets.find(by_id(asset.id))
        assert found is not None
        assert found.original == make_file()

    async def test_a_checksum_that_was_not_kept_before_is_kept_now(self, catalog: Catalog) -> None:
        """Taking the same bytes in again tells it, for all that show them; one that is known stays."""
        first = await add(catalog, original=replace(make_original(), crc32=None))
        before = await catalog.assets.find(by_id(first.id))

        await add(catalog)
        await add(catalog, original=replace(make_original(), crc32=None))

        after = await catalog.assets.find(by_id(first.id))
        assert before is not None
        assert after is not None
        assert (before.original.crc32, after.original.crc32) == (None, make_original().crc32)

    async def test_what_adding_answers_is_what_is_found(self, catalog: Catalog) -> None:
        """Also of bytes that are there already under another name."""
        first = await add(catalog, "notes", make_file())
        second = await add(catalog, "notes.pdf", make_file())

        assert await catalog.assets.find_many([by_id(first.id), by_id(second.id)]) == [first, second]

    async def test_times_come_back_as_utc(self, catalog: Catalog) -> None:
        """To the microsecond."""
        now = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)

        asset = await add(catalog, now=now)

        found = await catalog.assets.find(by_id(asset.id))
        assert found is not None
        assert found.created == now
        assert found.created.tzinfo is UTC

    @pytest.mark.parametrize("name", STRANGE_NAMES)
    async def test_a_name_and_a_code_are_kept_as_they_were_given(self, catalog: Catalog, name: str) -> None:
        asset = await add(catalog, name, code=name)

        assert (asset.name, asset.code) == (name, name)
        assert await catalog.assets.find_same(SHOP, name, make_original().digest) == asset
        assert await catalog.assets.find(by_code(name)) == asset

    async def test_without_a_code_the_id_is_the_code(self, catalog: Catalog) -> None:
        asset = await add(catalog)

        assert asset.code == str(asset.id)

    async def test_a_slug_is_eight_characters_of_the_alphabet(self, catalog: Catalog) -> None:
        """And nobody else's in any instance."""
        slugs = [(await add(catalog, instance=instance)).slug for instance in [SHOP, PRESS] * 10]

        assert len(set(slugs)) == 20
        assert all(len(slug) == SLUG_LENGTH and set(slug) <= set(SLUG_ALPHABET) for slug in slugs)
        assert not any(slug.isdigit() for slug in slugs)

    async def test_a_serial_is_never_given_twice(self, catalog: Catalog) -> None:
        """They grow, over all instances, also when the newest asset is gone."""
        first, second = await add(catalog), await add(catalog, instance=PRESS)
        await delete(catalog, second)

        third = await add(catalog)

        assert first.serial < second.serial < third.serial

    async def test_many_are_found_in_the_order_they_were_asked_for(self, catalog: Catalog) -> None:
        """Of all kinds, some twice, some not there, more than fit into one question."""
        assets = [await add(catalog, f"{number}.png") for number in range(4)]
        refs = [refs_of(asset)[kind] for kind, asset in enumerate(assets)]
        refs += [by_id(some_id()), refs[0], refs_of(assets[0], PRESS)[0], refs_of(assets[0])[3]]
        refs += [AssetRef(AssetKind.SERIAL, str(number), SHOP) for number in range(10_000, 11_200)]
        refs += [refs[1]]

        found = await catalog.assets.find_many(refs)

        assert found == [*assets, None, assets[0], None, assets[0], *[None] * 1200, assets[1]]

    async def test_nobody_asked_for_is_nobody_found(self, catalog: Catalog) -> None:
        assert await catalog.assets.find_many([]) == []

    async def test_an_id_is_given_once(self, catalog: Catalog) -> None:
        """In all instances; the asset that has it stays as it is."""
        asset = await add(catalog)

        for instance in (SHOP, PRESS):
            with pytest.raises(Conflict):
                await add(catalog, "other.png", make_original(b"other"), id=asset.id, instance=instance, code="new")

        assert await catalog.assets.find(by_id(asset.id)) == asset
        assert await catalog.assets.count(SHOP) == 1

    async def test_a_code_is_given_once_in_an_instance(self, catalog: Catalog) -> None:
        """To whom it was given first; another instance has codes of its own."""
        asset = await add(catalog, code="shirt")

        with pytest.raises(Conflict):
            await add(catalog, "other.png", code="shirt")
        elsewhere = await add(catalog, code="shirt", instance=PRESS)

        assert await catalog.assets.find(by_code("shirt")) == asset
        assert await catalog.assets.find(by_code("shirt", PRESS)) == elsewhere

    @pytest.mark.parametrize("spelled", [str.lower, str.upper])
    async def test_a_code_is_not_anothers_id(self, catalog: Catalog, spelled: Callable[[str], str]) -> None:
        """It would be two assets' name; one's own id is no such code."""
        first, second = await add(catalog, code="first"), await add(catalog, code="second")
        taken = spelled(str(first.id))

        with pytest.raises(Conflict):
            await add(catalog, code=taken)
        with pytest.raises(Conflict):
            await change(catalog, second, code=taken)

        assert (await change(catalog, first, code=taken)).code == taken

    async def test_an_id_of_anothers_that_is_gone_is_not_given_again(self, catalog: Catalog) -> None:
        """Its URLs are in the other's pages still. Its own instance may have it back."""
        asset = await add(catalog)
        await delete(catalog, asset)

        foreign = await add(catalog, id=asset.id, instance=PRESS)
        own = await add(catalog, id=asset.id)

        assert foreign.id != asset.id
        assert foreign.slug != asset.slug
        assert (own.id, own.slug) == (asset.id, asset.slug)

    @pytest.mark.parametrize(
        "fields",
        [
            {"description": "x" * 65_537},
            {"attributes": {"text": "x" * 65_537}},
            {"attributes": {"deep": functools.reduce(lambda inner, _: [inner], range(32), "x")}},
        ],
        ids=["description", "attributes", "deep"],
    )
    async def test_what_is_said_of_an_asset_is_bounded(self, catalog: Catalog, fields: dict[str, Any]) -> None:
        """Lists hold hundreds of them; added or changed, it is refused by name."""
        asset = await add(catalog)

        for work in (add(catalog, **fields), change(catalog, asset, **fields)):
            with pytest.raises(InvalidParameter, match=next(iter(fields))):
                await work

        assert await catalog.assets.find(by_id(asset.id)) == asset

    async def test_an_id_is_not_anothers_code(self, catalog: Catalog) -> None:
        """The same the other way round."""
        wanted = some_id()
        await add(catalog, code=str(wanted))

        with pytest.raises(Conflict):
            await add(catalog, id=wanted, code="another")

        assert await catalog.assets.count(SHOP) == 1

    async def test_an_asset_goes_into_a_folder_that_is_there(self, catalog: Catalog) -> None:
        """Of its own instance; otherwise there is no asset at all."""
        (foreign,) = await make_folders(catalog, "theirs", instance=PRESS)

        for folder in (foreign.serial, 4711):
            with pytest.raises(NotFound):
                await add(catalog, folder=folder)

        assert await catalog.assets.is_empty()

    async def test_equal_bytes_may_be_many_assets(self, catalog: Catalog) -> None:
        """Of one original."""
        first, second = await add(catalog, "a.png"), await add(catalog, "b.png")

        assert first.id != second.id
        assert first.original == second.original

    async def test_the_same_file_is_the_oldest_of_that_name_and_those_bytes(self, catalog: Catalog) -> None:
        """Both must be equal, in that instance."""
        digest = make_original().digest
        await add(catalog, "other.png")
        await add(catalog, "shirt.png", make_original(b"other"))
        await add(catalog, instance=PRESS)
        oldest = await add(catalog)
        await add(catalog)

        assert await catalog.assets.find_same(SHOP, "shirt.png", digest) == oldest
        assert await catalog.assets.find_same(SHOP, "SHIRT.png", digest) is None
        assert await catalog.assets.find_same(SHOP, "shirt.png", make_original(b"third").digest) is None

    async def test_adding_once_adds_where_there_is_none_like_it(self, catalog: Catalog) -> None:
        """Otherwise it answers the one there is, and changes nothing of it."""
        new = NewAsset(instance=SHOP, name="shirt.png", description="first")

        first = await catalog.assets.add_once(new, make_original(), now=NOON)
        again = await catalog.assets.add_once(replace(new, description="again"), make_original(), now=LATER)
        other = await catalog.assets.add_once(new, make_original(b"other"), now=LATER)
        elsewhere = await catalog.assets.add_once(replace(new, instance=PRESS), make_original(), now=LATER)

        assert [is_new for _, is_new in (first, again, other, elsewhere)] == [True, False, True, True]
        assert again[0] == first[0]

    async def test_adding_once_at_the_same_time_adds_one(self, catalog: Catalog, another: Catalog) -> None:
        """However many try, in two processes."""
        new = NewAsset(instance=SHOP, name="shirt.png")

        taken = await at_once(
            one.assets.add_once(new, make_original(), now=NOON) for one in (catalog, another) for _ in range(10)
        )

        assert sum(isinstance(one, tuple) and one[1] for one in taken) == 1
        assert len({one[0].id for one in taken if isinstance(one, tuple)}) == 1
        assert await catalog.assets.count(SHOP) == 1

    async def test_it_is_empty_until_an_asset_is_added(self, catalog: Catalog) -> None:
        """In any instance; tokens, folders and files do not count."""
        await catalog.tokens.add(make_stored_token("shop"))
        await make_folders(catalog, "summer")
        await catalog.files.add(SHOP, "shirt.png", make_original(), now=NOON)
        before = await catalog.assets.is_empty()
        await add(catalog, instance=PRESS)

        assert (before, await catalog.assets.is_empty()) == (True, False)


class ChangingConformance:
    """Of Assets. Needs fixtures as above."""

    pytestmark = pytest.mark.anyio

    async def test_all_but_ids_and_birth_can_be_changed(self, catalog: Catalog) -> None:
        """It is found changed under every id; who changed it and when is kept."""
        asset = await add(catalog, by=3)
        (folder,) = await make_folders(catalog, "summer")
        fields: dict[str, Any] = {
            "code": "SKU-1",
            "name": "trousers.png",
            "original": make_original(b"new"),
            "folder": folder.serial,
            "description": "Trousers.",
            "active": False,
            "attributes": ATTRIBUTES,
            "classifications": ("summer", "sale"),
        }

        changed = await change(catalog, asset, by=4, **fields)

        assert changed == replace(asset, **fields, modified=LATER, updated_by=4)
        assert [await catalog.assets.find(ref) for ref in refs_of(changed)] == [changed] * 4
        assert await catalog.assets.find(by_code(asset.code)) is None

    async def test_ids_instance_and_birth_stay(self, catalog: Catalog) -> None:
        """Whatever an edit says of them, in the answer and in what is found."""
        asset = await add(catalog, by=3)
        wrong: dict[str, Any] = {
            "id": some_id(), "serial": 4711, "slug": Slug("aaaaaaaa"), "instance": PRESS, "created": LATER,
            "created_by": 9,
        }  # fmt: skip

        changed = await change(catalog, asset, name="new.png", **wrong)

        assert changed == replace(asset, name="new.png", modified=LATER, updated_by=0)
        assert await catalog.assets.find(by_id(asset.id)) == changed

    async def test_an_asset_may_be_named_by_any_of_its_ids(self, catalog: Catalog) -> None:
        """Twice in one change, too: what is written first is read second."""
        asset = await add(catalog, attributes={"n": 0})

        await catalog.assets.change(dict.fromkeys(refs_of(asset), _increment), by=0, now=LATER)

        found = await catalog.assets.find(by_id(asset.id))
        assert found is not None
        assert found.attributes == {"n": 4}

    async def test_changed_assets_are_answered_in_their_order(self, catalog: Catalog) -> None:
        first, second = await add(catalog, "a.png"), await add(catalog, "b.png")

        edits = {by_id(asset.id): setting(description=asset.name) for asset in (second, first)}
        changed = await catalog.assets.change(edits, by=0, now=LATER)

        assert [asset.description for asset in changed] == ["b.png", "a.png"]

    async def test_all_are_changed_or_none(self, catalog: Catalog) -> None:
        """Where one is not there, an edit raises, a code is taken or a folder is not there."""
        first, second = await add(catalog, "a.png"), await add(catalog, "b.png", code="taken")
        edit = setting(name="changed.png", original=make_original(b"new"), classifications=("new",))

        def fail(_: Asset) -> Asset:
            raise RuntimeError("the edit's own")

        hindrances = [
            (by_id(some_id()), edit, NotFound),
            (by_id(second.id), fail, RuntimeError),
            (by_id(second.id), setting(folder=4711), NotFound),
            (by_id(second.id), setting(code=str(first.id)), Conflict),
        ]
        for ref, hindering, failure in hindrances:
            with pytest.raises(failure):
                await catalog.assets.change({by_id(first.id): edit, ref: hindering}, by=9, now=LATER)

        assert await catalog.assets.find_many([by_id(first.id), by_id(second.id)]) == [first, second]
        assert await catalog.originals.retired(before=LATER + (LATER - NOON)) == []
        assert await catalog.assets.classification_serials(SHOP, ["new"]) == {}

    async def test_a_code_that_is_taken_is_not_given_again(self, catalog: Catalog) -> None:
        """One's own is not taken, and that of another instance is not either."""
        first = await add(catalog, code="first")
        second = await add(catalog, code="second")
        await add(catalog, code="third", instance=PRESS)

        with pytest.raises(Conflict):
            await change(catalog, second, code="first")

        assert (await change(catalog, second, code="third")).code == "third"
        assert (await change(catalog, first, code="first")).code == "first"
        assert (await change(catalog, first, code="second")).code == "second"

    async def test_a_code_is_not_given_to_two_in_one_change(self, catalog: Catalog) -> None:
        """Neither gets it."""
        assets = [await add(catalog), await add(catalog)]
        edits = {by_id(asset.id): setting(code="same") for asset in assets}

        with pytest.raises(Conflict):
            await catalog.assets.change(edits, by=0, now=LATER)

        assert await catalog.assets.find_many(list(edits)) == assets

    async def test_changes_at_the_same_time_lose_nothing(self, catalog: Catalog, another: Catalog) -> None:
        """Each reads what the one before it wrote, in two processes; two assets are changed together."""
        assets = [await add(catalog, attributes={"n": 0}) for _ in range(2)]
        edits = {by_id(asset.id): _increment for asset in assets}
        backwards = dict(reversed(edits.items()))

        outcomes = await at_once(
            one.assets.change(order, by=0, now=LATER)
            for one in (catalog, another)
            for order in (edits, backwards)
            for _ in range(25)
        )

        assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        found = await another.assets.find_many(list(edits))
        assert [asset and asset.attributes for asset in found] == [{"n": 100}] * 2

    async def test_one_code_wanted_by_many_is_given_to_one(self, catalog: Catalog, another: Catalog) -> None:
        """The others are told that it is taken."""
        assets = [await add(catalog) for _ in range(6)]

        outcomes = await at_once(
            change(one, asset, code="wanted") for asset in assets[:3] for one in (catalog, another)
        ) + await at_once(add(one, code="wanted") for one in (catalog, another))

        assert {type(outcome) for outcome in outcomes} == {Asset, Conflict}
        found = await catalog.assets.find(by_code("wanted"))
        assert found is not None
        assert {outcome.id for outcome in outcomes if isinstance(outcome, Asset)} == {found.id}

    async def test_deleted_assets_are_gone_with_their_links(self, catalog: Catalog) -> None:
        """What they were is answered; the others and theirs stay."""
        assets = [await add(catalog, f"{number}.png") for number in range(3)]
        links = [await link(catalog, asset) for asset in assets]

        gone = await catalog.assets.delete([refs_of(assets[0])[2], refs_of(assets[1])[3]], now=LATER)

        assert in_order(gone) == assets[:2]
        assert [await catalog.assets.find(by_id(asset.id)) for asset in assets] == [None, None, assets[2]]
        assert [await catalog.links.find(SHOP, one.serial) for one in links] == [None, None, links[2]]

    async def test_all_are_deleted_or_none(self, catalog: Catalog) -> None:
        asset = await add(catalog)
        linked = await link(catalog, asset)

        with pytest.raises(NotFound):
            await catalog.assets.delete([by_id(asset.id), by_id(some_id())], now=LATER)

        assert await catalog.assets.find(by_id(asset.id)) == asset
        assert await catalog.links.find(SHOP, linked.serial) == linked

    async def test_an_asset_is_deleted_once(self, catalog: Catalog, another: Catalog) -> None:
        """Whoever comes second is told that it is not there."""
        asset = await add(catalog)

        outcomes = await at_once(
            one.assets.delete([by_id(asset.id)], now=LATER) for one in (catalog, another) for _ in range(3)
        )

        assert sum(isinstance(outcome, NotFound) for outcome in outcomes) == 5

    async def test_ids_of_what_was_deleted_can_be_given_again(self, catalog: Catalog) -> None:
        """With the same slug, so that a file taken in anew has the URL it had."""
        asset = await add(catalog, code="shirt")
        await delete(catalog, asset)

        again = await add(catalog, id=asset.id, code="shirt")

        assert (again.id, again.slug, again.code) == (asset.id, asset.slug, asset.code)


class ListingConformance:
    """Of Assets. Needs fixtures as above."""

    pytestmark = pytest.mark.anyio

    async def test_pages_go_through_an_instance_oldest_first(self, catalog: Catalog) -> None:
        """By number or behind a serial, whatever the size of a page, others' assets between."""
        assets = [await add(catalog, instance=SHOP if number % 3 else PRESS) for number in range(10)]
        await delete(catalog, assets[4])
        own = [asset for asset in assets if asset.instance == SHOP and asset != assets[4]]

        for limit in range(1, 8):
            pages = [await catalog.assets.page(SHOP, offset=at, limit=limit) for at in range(0, len(own), limit)]
            following = [await catalog.assets.following(SHOP, after=asset.serial, limit=limit) for asset in assets]
            serials = [
                await catalog.assets.serials_following(SHOP, after=asset.serial, limit=limit) for asset in assets
            ]

            assert [asset for page in pages for asset in page] == own
            assert following == [[o for o in own if o.serial > asset.serial][:limit] for asset in assets]
            assert serials == [[asset.serial for asset in page] for page in following]
        assert await catalog.assets.count(SHOP) == len(own)

    @pytest.mark.parametrize("count", [0, 3])
    async def test_beyond_the_end_there_is_nothing(self, catalog: Catalog, count: int) -> None:
        """Right behind it and far away; and a page of none holds none."""
        assets = [await add(catalog) for _ in range(count)]
        last = max((asset.serial for asset in assets), default=0)

        assert [await catalog.assets.page(SHOP, offset=offset, limit=5) for offset in (count, 4711)] == [[], []]
        assert await catalog.assets.following(SHOP, after=last, limit=5) == []
        assert await catalog.assets.serials_following(SHOP, after=last, limit=5) == []
        assert await catalog.assets.page(SHOP, offset=0, limit=0) == []
        assert await catalog.assets.page(PRESS, offset=0, limit=5) == []

    async def test_a_folder_is_listed_by_name_and_then_by_serial(self, catalog: Catalog) -> None:
        """Page by page, also where a page ends between equal names; the root is a folder, too."""
        (folder,) = await make_folders(catalog, "summer")
        names = ["b.png", "a.png", "b.png", "B.png", "ä.png", "b.png", "a.png", "b"]
        for place in (folder.serial, None):
            assets = [await add(catalog, name, folder=place) for name in names]
            expected = sorted(assets, key=lambda asset: (asset.name, asset.serial))

            for limit in range(1, 10):
                assert await _all_pages(catalog, place, limit) == expected

    async def test_a_listing_goes_on_behind_what_was_deleted(self, catalog: Catalog) -> None:
        """A place is a name and a serial, whether or not somebody is there still."""
        assets = [await add(catalog, name) for name in ("a.png", "b.png", "b.png", "c.png")]
        await delete(catalog, assets[1])

        place = FolderPlace(assets[1].name, assets[1].serial)
        assert await catalog.assets.in_folder(SHOP, None, after=place, limit=9) == assets[2:]

    async def test_a_file_is_found_by_its_whole_name_before_its_stem(self, catalog: Catalog) -> None:
        """Of several the oldest, in that folder alone."""
        (folder,) = await make_folders(catalog, "summer")
        await add(catalog, "shirt")
        stem = await add(catalog, "shirt.png", folder=folder.serial)
        await add(catalog, "shirt.jpg", folder=folder.serial)
        by_stem = await catalog.assets.find_in_folder(SHOP, folder.serial, "shirt")
        whole = await add(catalog, "shirt", folder=folder.serial)
        await add(catalog, "shirt", folder=folder.serial)

        assert by_stem == stem
        assert await catalog.assets.find_in_folder(SHOP, folder.serial, "shirt") == whole
        assert await catalog.assets.find_in_folder(SHOP, folder.serial, "trousers") is None

    @pytest.mark.parametrize(
        ("name", "asked", "is_found"),
        [
            ("shirt.red.png", "shirt.red.png", True),
            ("shirt.red.png", "shirt.red", True),
            ("shirt.red.png", "shirt", False),
            ("shirt-2.png", "shirt", False),
            ("shirt0.png", "shirt", False),
            ("shirt.png", "shir", False),
            ("shirt.png", "shirt.", False),
            ("shirt.png", "SHIRT", False),
            ("shirt.png", "%", False),
            ("shirt.png", "shir_", False),
            ("a%_.png", "a%_", True),
            ("衬衫 👕.png", "衬衫 👕", True),
            ("衬衫 👕.x.png", "衬衫 👕", False),
            ("shirt/.png", "shirt", False),
        ],
    )
    async def test_a_stem_is_the_name_without_its_last_dot_and_what_follows(
        self, catalog: Catalog, name: str, asked: str, is_found: bool
    ) -> None:
        """No pattern, and nothing but the extension is left out."""
        asset = await add(catalog, name)

        assert await catalog.assets.find_in_folder(SHOP, None, asked) == (asset if is_found else None)

    async def test_classifications_have_serials_for_ever(self, catalog: Catalog) -> None:
        """From when an asset has had them first, also when none has them any more; others have none."""
        first = await add(catalog, classifications=("summer", "sale"))
        before = await catalog.assets.classification_serials(SHOP, ["summer", "sale", "winter"])
        await change(catalog, first, classifications=("winter", "summer"))
        await delete(catalog, first)
        await add(catalog, classifications=("summer",))

        after = await catalog.assets.classification_serials(SHOP, ["summer", "sale", "winter", "spring"])

        assert set(before) == {"summer", "sale"}
        assert set(after) == {"summer", "sale", "winter"}
        assert before.items() <= after.items()
        assert len(set(after.values())) == 3


class IsolationConformance:
    """Of Assets: no instance sees another's, by whatever id."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    async def theirs(self, catalog: Catalog) -> Asset:
        """In another instance, in a folder, with all that can be named."""
        (folder,) = await make_folders(catalog, "theirs", instance=PRESS)
        return await add(catalog, instance=PRESS, code="c", folder=folder.serial, classifications=("secret",))

    async def test_it_is_found_by_no_id(self, catalog: Catalog, theirs: Asset) -> None:
        assert await catalog.assets.find_many(refs_of(theirs, SHOP)) == [None] * 4
        assert await catalog.assets.find_many(refs_of(theirs, PRESS)) == [theirs] * 4

    @pytest.mark.parametrize("kind", range(4))
    async def test_it_cannot_be_changed_linked_or_deleted(self, catalog: Catalog, theirs: Asset, kind: int) -> None:
        """It is not there, as far as anybody can tell; nor with one's own beside it."""
        own = await add(catalog)
        ref = refs_of(theirs, SHOP)[kind]
        attempts: list[Callable[[], Awaitable[object]]] = [
            lambda: catalog.assets.change({by_id(own.id): setting(), ref: setting()}, by=0, now=LATER),
            lambda: catalog.assets.delete([by_id(own.id), ref], now=LATER),
            lambda: catalog.links.add(ref, origin="o", link_type="t", attributes={}, sequence=0),
        ]

        for attempt in attempts:
            with pytest.raises(NotFound):
                await attempt()

        assert await catalog.assets.find_many([by_id(own.id), by_id(theirs.id)]) == [own, theirs]

    async def test_it_is_in_no_listing(self, catalog: Catalog, theirs: Asset) -> None:
        """Nor is it counted; its folder and its classifications are not there either."""
        assets, folder = catalog.assets, theirs.folder

        listings = [
            await assets.page(SHOP, offset=0, limit=9),
            await assets.following(SHOP, after=0, limit=9),
            await assets.serials_following(SHOP, after=0, limit=9),
            await assets.in_folder(SHOP, None, after=None, limit=9),
            await assets.in_folder(SHOP, folder, after=None, limit=9),
        ]

        assert listings == [[]] * 5
        assert await assets.count(SHOP) == 0
        assert await assets.find_in_folder(SHOP, folder, theirs.name) is None
        assert await assets.find_same(SHOP, theirs.name, theirs.original.digest) is None
        assert await assets.classification_serials(SHOP, ["secret"]) == {}

    async def test_nothing_can_be_put_into_its_folder(self, catalog: Catalog, theirs: Asset) -> None:
        """Neither what is new nor what is there."""
        own = await add(catalog)

        with pytest.raises(NotFound):
            await add(catalog, folder=theirs.folder)
        with pytest.raises(NotFound):
            await change(catalog, own, folder=theirs.folder)

        assert await catalog.assets.in_folder(PRESS, theirs.folder, after=None, limit=9) == [theirs]

    async def test_the_same_classification_is_another_ones(self, catalog: Catalog, theirs: Asset) -> None:
        """A serial says which instance it is of."""
        await add(catalog, classifications=theirs.classifications)

        serials = [await catalog.assets.classification_serials(one, ["secret"]) for one in (SHOP, PRESS)]

        assert serials[0]["secret"] != serials[1]["secret"]


async def _all_pages(catalog: Catalog, folder: int | None, limit: int, *, instance: Instance = SHOP) -> list[Asset]:
    found: list[Asset] = []
    after: FolderPlace | None = None
    while page := await catalog.assets.in_folder(instance, folder, after=after, limit=limit):
        found += page
        after = FolderPlace(page[-1].name, page[-1].serial)
    return found


def _increment(asset: Asset) -> Asset:
    count = asset.attributes["n"]
    assert isinstance(count, int)
    return replace(asset, attributes={"n": count + 1})
