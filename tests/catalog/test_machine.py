"""The SQL catalogue against a model of dictionaries: whatever is done in whatever order, both say the same."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.assets import Asset, AssetRef, Digest, Folder, Instance, Link
from imgsvc.core.errors import Conflict, NotFound
from tests.catalog.records import LATER, PRESS, SHOP, add, by_code, moving, refs_of, setting
from tests.fakes import NOON, make_original

T = TypeVar("T")

Refusals = set[type[Exception]]
"""Where several things stand against it, any of them may be told."""

ORIGINALS = [make_original(data) for data in (b"one", b"two", b"three")]

instances = st.sampled_from([SHOP, SHOP, SHOP, PRESS])
"""Mostly one, so that much happens in it."""

names = st.sampled_from(["a.png", "b.png", "a"])
codes = st.sampled_from(["code-1", "code-2", "code-3"])
originals = st.sampled_from(ORIGINALS)
ordinals = st.integers(0, 7)
"""Which of those that have been made so far: small numbers, so that the same one comes again and again."""


@dataclass
class Model:
    """What a catalogue holds, in the plainest way. `owner`: of a folder, by its serial."""

    assets: dict[int, Asset] = field(default_factory=dict[int, Asset])
    folders: dict[int, Folder] = field(default_factory=dict[int, Folder])
    owner: dict[int, Instance] = field(default_factory=dict[int, Instance])
    links: dict[int, Link] = field(default_factory=dict[int, Link])
    retired: set[Digest] = field(default_factory=set[Digest])

    def has_code(self, instance: Instance, code: str, *, but: int | None = None) -> bool:
        return any(
            (asset.code == code or str(asset.id) == code) and asset.instance == instance and asset.serial != but
            for asset in self.assets.values()
        )

    def has_folder(self, instance: Instance, serial: int | None) -> bool:
        return serial is None or self.owner.get(serial) == instance

    def name_is_taken(self, instance: Instance, folder: Folder) -> bool:
        return any(
            (other.parent, other.name) == (folder.parent, folder.name)
            and self.owner[other.serial] == instance
            and other.serial != folder.serial
            for other in self.folders.values()
        )

    def lies_in_itself(self, folder: Folder) -> bool:
        parent, steps = folder.parent, 0
        while parent is not None and parent != folder.serial and steps < 100:
            parent, steps = self.folders[parent].parent, steps + 1
        return parent is not None

    def is_empty(self, serials: set[int]) -> bool:
        inner = {folder.serial for folder in self.folders.values() if folder.parent in serials}
        return inner <= serials and not any(asset.folder in serials for asset in self.assets.values())


class CatalogMachine(RuleBasedStateMachine):
    """`asset`, `folder` of an ordinal: one that was made at some time, whether or not it is there still."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.made: list[Asset] = []
        self.made_folders: list[tuple[Instance, int]] = []
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()

    @initialize()
    def open(self) -> None:
        url = f"sqlite:///{Path(self.folder.name) / 'catalog.sqlite'}"
        self.opened = open_catalog(url, changed=lambda *_: None)
        self.catalog: Catalog = self.run(self.opened.__aenter__())

    def teardown(self) -> None:
        self.run(self.opened.__aexit__(None, None, None))
        self.runner.close()
        self.folder.cleanup()

    @rule(instance=instances, name=names, original=originals, code=st.none() | codes, place=st.none() | ordinals)
    def add_asset(self, instance: Instance, name: str, original: Any, code: str | None, place: int | None) -> None:
        folder = self.folder_serial(place)
        refusals: Refusals = {Conflict} if code is not None and self.model.has_code(instance, code) else set()
        refusals |= set() if self.model.has_folder(instance, folder) else {NotFound}

        work = add(self.catalog, name, original, instance=instance, code=code, folder=folder)
        if self.is_refused(work, refusals):
            return
        asset = self.last
        assert isinstance(asset, Asset)
        self.made.append(asset)
        self.model.assets[asset.serial] = asset

    @rule(
        which=st.lists(ordinals, min_size=1, max_size=3),
        name=names,
        code=st.none() | codes,
        original=st.none() | originals,
        place=st.none() | ordinals,
        instance=instances,
    )
    def change_assets(
        self, which: list[int], name: str, code: str | None, original: Any, place: int | None, instance: Instance
    ) -> None:
        """All get the name; the first of them the code, too."""
        assets = [asset for asset in map(self.asset, which) if asset is not None]
        common = {"name": name, "folder": self.folder_serial(place)}
        common |= {} if original is None else {"original": original}
        fields: list[dict[str, Any]] = [common.copy() for _ in assets]
        if assets and code is not None:
            fields[0]["code"] = code
        edits = {refs_of(asset, instance)[1]: setting(**given) for asset, given in zip(assets, fields, strict=True)}

        expected = dict(self.model.assets)
        retired = set(self.model.retired)
        refusals: Refusals = set()
        for ref, edit in edits.items():
            before = expected.get(int(ref.value))
            if before is None or before.instance != instance:
                refusals.add(NotFound)
                continue
            after = replace(edit(before), modified=LATER, updated_by=7)
            if after.code != before.code and self.model.has_code(instance, after.code, but=before.serial):
                refusals.add(Conflict)
            if not self.model.has_folder(instance, after.folder):
                refusals.add(NotFound)
            retired |= {before.original.digest} if after.original != before.original else set()
            expected[before.serial] = after

        if not self.is_refused(self.catalog.assets.change(edits, by=7, now=LATER), refusals):
            assert self.last == [expected[int(ref.value)] for ref in edits]
            self.model.assets, self.model.retired = expected, retired

    @rule(which=st.lists(ordinals, min_size=1, max_size=3), kind=st.integers(0, 3), instance=instances)
    def delete_assets(self, which: list[int], kind: int, instance: Instance) -> None:
        assets = {asset.serial: asset for asset in map(self.asset, which) if asset is not None}
        there = [self.model.assets.get(serial) for serial in assets]
        current = [asset or old for asset, old in zip(there, assets.values(), strict=True)]
        refs = [refs_of(asset, instance)[kind] for asset in current]
        found = [self.find(ref) for ref in refs]

        if self.is_refused(self.catalog.assets.delete(refs, now=NOON), set() if all(found) else {NotFound}):
            return
        for asset in found:
            assert asset is not None
            self.model.assets.pop(asset.serial, None)
            self.model.retired.add(asset.original.digest)
            self.model.links = {key: one for key, one in self.model.links.items() if one.target != asset.serial}

    @rule(instance=instances, name=st.sampled_from(["x", "y"]), place=st.none() | ordinals)
    def add_folder(self, instance: Instance, name: str, place: int | None) -> None:
        parent = self.folder_serial(place)
        is_taken = self.model.name_is_taken(instance, Folder(serial=0, parent=parent, name=name))
        refusals: Refusals = {Conflict} if is_taken else set()
        refusals |= set() if self.model.has_folder(instance, parent) else {NotFound}

        if self.is_refused(self.catalog.folders.add(instance, [(parent, name)]), refusals):
            return
        (folder,) = self.last
        self.made_folders.append((instance, folder.serial))
        self.model.folders[folder.serial] = folder
        self.model.owner[folder.serial] = instance

    @rule(which=ordinals, other=ordinals, name=st.sampled_from(["x", "y", "z"]), instance=instances)
    def move_folder(self, which: int, other: int, name: str, instance: Instance) -> None:
        """Into another one that is there, perhaps into itself."""
        serial, parent = self.folder_serial(which), self.folder_serial(other)
        if serial is None or parent not in self.model.folders:
            return
        before = self.model.folders.get(serial)
        after = Folder(serial=serial, parent=parent, name=name)
        refusals: Refusals = set()
        if before is None or self.model.owner[serial] != instance or self.model.owner[parent] != instance:
            refusals.add(NotFound)
        if self.model.name_is_taken(instance, after) or self.would_lie_in_itself(after):
            refusals.add(Conflict)

        if not self.is_refused(
            self.catalog.folders.change(instance, {serial: moving(parent=parent, name=name)}), refusals
        ):
            self.model.folders[serial] = after

    @rule(which=st.lists(ordinals, min_size=1, max_size=4), instance=instances)
    def delete_folders(self, which: list[int], instance: Instance) -> None:
        serials = {serial for serial in map(self.folder_serial, which) if serial is not None}
        is_own = all(self.model.owner.get(serial) == instance for serial in serials)
        refusals: Refusals = set() if is_own else {NotFound}
        refusals |= set() if self.model.is_empty(serials) else {Conflict}

        if not self.is_refused(self.catalog.folders.delete(instance, sorted(serials)), refusals):
            for serial in serials:
                del self.model.folders[serial], self.model.owner[serial]

    @rule(which=ordinals, origin=st.sampled_from(["p", "q"]), sequence=st.integers(0, 3), instance=instances)
    def add_link(self, which: int, origin: str, sequence: int, instance: Instance) -> None:
        asset = self.asset(which)
        if asset is None:
            return
        is_there = asset.serial in self.model.assets and asset.instance == instance
        work = self.catalog.links.add(
            refs_of(asset, instance)[0], origin=origin, link_type="t", attributes={"n": sequence}, sequence=sequence
        )
        if self.is_refused(work, set() if is_there else {NotFound}):
            return
        link = self.last
        same = [one.serial for one in self.model.links.values() if (one.target, one.origin) == (asset.serial, origin)]
        assert same in ([], [link.serial])
        self.model.links[link.serial] = Link(
            serial=link.serial,
            origin=origin,
            target=asset.serial,
            link_type="t",
            attributes={"n": sequence},
            sequence=sequence,
        )

    @rule(which=ordinals, instance=instances)
    def delete_link(self, which: int, instance: Instance) -> None:
        serial = which + 1
        link = self.model.links.get(serial)
        is_there = link is not None and self.model.assets[link.target].instance == instance

        assert self.run(self.catalog.links.delete(instance, serial)) == is_there
        if is_there:
            del self.model.links[serial]

    @rule()
    def settle(self) -> None:
        """As a sweep does it."""
        retired = self.run(self.catalog.originals.retired(before=LATER.replace(year=2030)))
        unused = self.run(self.catalog.originals.unused(retired))
        shown = {asset.original.digest for asset in self.model.assets.values()}

        # Those that are shown again need not be looked at.
        assert self.model.retired - shown <= set(retired) <= self.model.retired
        assert set(unused) == self.model.retired - shown
        self.run(self.catalog.originals.settle(retired, gone=unused))
        self.model.retired.clear()

    @invariant()
    def everything_is_found_and_nothing_else(self) -> None:
        for instance in (SHOP, PRESS):
            own = sorted(
                (asset for asset in self.model.assets.values() if asset.instance == instance),
                key=lambda asset: asset.serial,
            )
            assert self.run(self.catalog.assets.following(instance, after=0, limit=1000)) == own
            assert self.run(self.catalog.assets.count(instance)) == len(own)
            refs = [ref for asset in self.made for ref in refs_of(asset, instance)[:3]]
            refs += [by_code(asset.code, instance) for asset in self.model.assets.values()]
            assert self.run(self.catalog.assets.find_many(refs)) == list(map(self.find, refs))

    @invariant()
    def folders_and_links_are_as_they_should_be(self) -> None:
        for instance in (SHOP, PRESS):
            serials = [serial for _, serial in self.made_folders]
            expected = [
                self.model.folders.get(serial) if self.model.owner.get(serial) == instance else None
                for serial in serials
            ]
            assert self.run(self.catalog.folders.find_many(instance, serials)) == expected
        links = self.run(self.catalog.links.of_assets([asset.serial for asset in self.made]))
        found = {link.serial: link for some in links.values() for link in some}
        assert found == self.model.links

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def is_refused(self, work: Coroutine[Any, Any, Any], refusals: Refusals) -> bool:
        """Runs it, and asserts that it is refused as it may be, where it must be; else `last` is its result."""
        received: type[Exception] | None = None
        try:
            self.last: Any = self.run(work)
        except (Conflict, NotFound) as error:
            received = type(error)
        assert received in (refusals or {None})
        return received is not None

    def would_lie_in_itself(self, folder: Folder) -> bool:
        """A parent that is not there is no part of it."""
        return Model(folders=self.model.folders | {folder.serial: folder}).lies_in_itself(folder)

    def asset(self, ordinal: int) -> Asset | None:
        return self.made[ordinal % len(self.made)] if self.made else None

    def folder_serial(self, ordinal: int | None) -> int | None:
        if ordinal is None or not self.made_folders:
            return None
        return self.made_folders[ordinal % len(self.made_folders)][1]

    def find(self, ref: AssetRef) -> Asset | None:
        return next((asset for asset in self.model.assets.values() if ref in refs_of(asset, asset.instance)), None)


TestCatalogMachine = CatalogMachine.TestCase
TestCatalogMachine.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
