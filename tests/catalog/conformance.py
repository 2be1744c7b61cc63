"""What every Catalog must do. An implementation's test module inherits the class and says how one is opened."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from imgsvc.catalog.base import Catalog
from imgsvc.core.assets import SLUG_ALPHABET, SLUG_LENGTH, AssetKind, AssetRef, Digest, ImageInfo, Original, Slug
from imgsvc.core.errors import Conflict
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Orientation, Size
from imgsvc.core.tokens import Scope, Token, make_token, token_digest
from tests.fakes import NOON, make_original

LATER = NOON + timedelta(hours=1)

STRANGE_NAMES = ("Red Shirt.JPG", "衬衫 👕.png", "a'b\"c%_;--.png", " ", "x" * 255)


class CatalogConformance:
    """Needs a fixture `catalog`, open and empty."""

    pytestmark = pytest.mark.anyio

    async def test_what_was_added_is_found_by_id_and_by_slug(self, catalog: Catalog) -> None:
        """Equal to what adding answered."""
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)

        assert await catalog.find(by_id(asset.id)) == asset
        assert await catalog.find(by_slug(asset.slug)) == asset
        assert (asset.name, asset.created, asset.modified) == ("shirt.png", NOON, NOON)
        assert asset.original == make_original()

    async def test_what_was_not_added_is_not_found(self, catalog: Catalog) -> None:
        await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)

        assert await catalog.find(by_id(uuid4())) is None
        assert await catalog.find(by_slug(Slug("aaaaaaaa"))) is None

    async def test_a_slug_is_no_id_and_an_id_no_slug(self, catalog: Catalog) -> None:
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)

        assert await catalog.find(AssetRef(AssetKind.SLUG, str(asset.id))) is None
        assert await catalog.find(AssetRef(AssetKind.GUID, asset.slug)) is None

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
        original = Original(digest=Digest("d" * 64), md5="e" * 32, length=5_000_000_000, info=info)

        asset = await catalog.add(uuid4(), "film.webp", original, now=NOON)

        found = await catalog.find(by_id(asset.id))
        assert found is not None
        assert found.original == original

    async def test_times_come_back_as_utc(self, catalog: Catalog) -> None:
        """To the microsecond."""
        now = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)

        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=now)

        found = await catalog.find(by_id(asset.id))
        assert found is not None
        assert found.created == now
        assert found.created.tzinfo is UTC

    @pytest.mark.parametrize("name", STRANGE_NAMES)
    async def test_a_name_is_kept_as_it_was_given(self, catalog: Catalog, name: str) -> None:
        asset = await catalog.add(uuid4(), name, make_original(), now=NOON)

        assert asset.name == name
        assert await catalog.find_same(name, make_original().digest) == asset

    async def test_a_slug_is_eight_characters_of_the_alphabet(self, catalog: Catalog) -> None:
        """And nobody else's."""
        slugs = [(await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)).slug for _ in range(20)]

        assert len(set(slugs)) == 20
        assert all(len(slug) == SLUG_LENGTH and set(slug) <= set(SLUG_ALPHABET) for slug in slugs)

    async def test_an_id_is_given_once(self, catalog: Catalog) -> None:
        """The asset that has it stays as it is."""
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)

        with pytest.raises(Conflict):
            await catalog.add(asset.id, "other.png", make_original(b"other"), now=LATER)

        assert await catalog.find(by_id(asset.id)) == asset

    async def test_equal_bytes_may_be_many_assets(self, catalog: Catalog) -> None:
        """Of one original."""
        first = await catalog.add(uuid4(), "a.png", make_original(), now=NOON)
        second = await catalog.add(uuid4(), "b.png", make_original(), now=NOON)

        assert first.id != second.id
        assert first.original == second.original

    async def test_the_same_file_is_the_oldest_of_that_name_and_those_bytes(self, catalog: Catalog) -> None:
        """Both must be equal."""
        digest = make_original().digest
        await catalog.add(uuid4(), "other.png", make_original(), now=NOON)
        await catalog.add(uuid4(), "shirt.png", make_original(b"other"), now=NOON)
        oldest = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)
        await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)

        assert await catalog.find_same("shirt.png", digest) == oldest
        assert await catalog.find_same("SHIRT.png", digest) is None
        assert await catalog.find_same("shirt.png", make_original(b"third").digest) is None

    async def test_a_replaced_asset_shows_the_new_original(self, catalog: Catalog) -> None:
        """By id and by slug, right away; id, slug, name and birth stay."""
        asset = await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)
        assert await catalog.find(by_id(asset.id)) == asset
        assert await catalog.find(by_slug(asset.slug)) == asset

        changed = await catalog.replace(asset.id, make_original(b"new"), now=LATER)

        assert changed is not None
        assert (changed.id, changed.slug, changed.name, changed.created) == (
            asset.id, asset.slug, asset.name, asset.created,
        )  # fmt: skip
        assert (changed.original, changed.modified) == (make_original(b"new"), LATER)
        assert await catalog.find(by_id(asset.id)) == changed
        assert await catalog.find(by_slug(asset.slug)) == changed
        assert await catalog.find_same("shirt.png", make_original().digest) is None

    async def test_replacing_what_is_not_there_does_nothing(self, catalog: Catalog) -> None:
        assert await catalog.replace(uuid4(), make_original(), now=NOON) is None
        assert await catalog.is_empty()

    async def test_others_of_the_same_original_keep_it(self, catalog: Catalog) -> None:
        """Replacing is of the asset, not of the bytes."""
        first = await catalog.add(uuid4(), "a.png", make_original(), now=NOON)
        second = await catalog.add(uuid4(), "b.png", make_original(), now=NOON)

        await catalog.replace(first.id, make_original(b"new"), now=LATER)

        assert await catalog.find(by_id(second.id)) == second

    async def test_it_is_empty_until_an_asset_is_added(self, catalog: Catalog) -> None:
        """Tokens do not count."""
        await catalog.add_token(make_stored_token("shop"))
        before = await catalog.is_empty()
        await catalog.add(uuid4(), "shirt.png", make_original(), now=NOON)

        assert (before, await catalog.is_empty()) == (True, False)

    async def test_tokens_are_found_by_digest(self, catalog: Catalog) -> None:
        """As they were, scopes and all."""
        token = make_stored_token("shop", Scope.READ, Scope.DELETE)
        await catalog.add_token(token)

        assert await catalog.find_token(token.digest) == token
        assert await catalog.find_token(token_digest("another")) is None

    async def test_tokens_are_listed_oldest_first(self, catalog: Catalog) -> None:
        tokens = [make_stored_token(name, created=NOON + timedelta(days=days)) for name, days in (("b", 2), ("a", 1))]
        for token in tokens:
            await catalog.add_token(token)

        assert await catalog.list_tokens() == tokens[::-1]

    async def test_tokens_are_revoked_by_name(self, catalog: Catalog) -> None:
        """All of that name and no other; how many is told."""
        revoked = [make_stored_token("shop") for _ in range(2)]
        stays = make_stored_token("press")
        for token in (*revoked, stays):
            await catalog.add_token(token)

        assert await catalog.revoke_tokens("shop") == 2
        assert await catalog.revoke_tokens("shop") == 0
        assert await catalog.list_tokens() == [stays]
        assert await catalog.find_token(revoked[0].digest) is None


def by_id(asset_id: UUID) -> AssetRef:
    return AssetRef(AssetKind.GUID, str(asset_id))


def by_slug(slug: Slug) -> AssetRef:
    return AssetRef(AssetKind.SLUG, slug)


def make_stored_token(name: str, *scopes: Scope, created: datetime = NOON) -> Token:
    return Token(
        digest=token_digest(make_token()), name=name, scopes=frozenset(scopes or (Scope.READ,)), created=created
    )
