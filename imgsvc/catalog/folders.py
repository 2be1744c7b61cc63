"""Folders in a SQL database."""

from collections.abc import Callable, Collection, Mapping, Sequence

import sqlalchemy as sa

from imgsvc.catalog.database import Database, in_portions
from imgsvc.catalog.schema import assets, folders
from imgsvc.core.assets import Folder, Instance
from imgsvc.core.errors import Conflict, NotFound

DEEPEST = 64
"""Folders in each other: whoever moves one has all above it looked at."""


class SqlFolders:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, instance: Instance, new: Sequence[tuple[int | None, str]]) -> list[Folder]:
        def insert(connection: sa.Connection) -> list[Folder]:
            ancestors = _Ancestors(connection)
            return [_insert(connection, instance, parent, name, ancestors) for parent, name in new]

        return await self._database.write(insert)

    async def find_many(self, instance: Instance, serials: Sequence[int]) -> list[Folder | None]:
        def select(connection: sa.Connection) -> list[Folder | None]:
            found = _find(connection, instance, serials)
            return [found.get(serial) for serial in serials]

        return await self._database.read(select)

    async def change(self, instance: Instance, edits: Mapping[int, Callable[[Folder], Folder]]) -> list[Folder]:
        """What stands against it is looked for when all are changed, so that two folders may change places."""

        def change(connection: sa.Connection) -> list[Folder]:
            found = _find_all(connection, instance, list(edits))
            changed = [edit(found[serial]) for serial, edit in edits.items()]
            parents = {folder.parent for folder in changed if folder.parent is not None}
            _find_all(connection, instance, list(parents))
            for folder in changed:
                row = {"parent": folder.parent, "name": folder.name}
                connection.execute(folders.update().where(folders.c.serial == folder.serial).values(row))
            ancestors = _Ancestors(connection)
            for folder in changed:
                ancestors.check(folder)
                _check_name(connection, instance, folder)
            return changed

        return await self._database.write(change)

    async def delete(self, instance: Instance, serials: Collection[int]) -> None:
        def delete(connection: sa.Connection) -> None:
            gone = set(serials)
            _find_all(connection, instance, list(gone))
            for some in in_portions(list(gone)):
                _check_contents(connection, some, but=gone)
                # Which of them goes first does not matter then.
                connection.execute(folders.update().where(folders.c.serial.in_(some)).values(parent=None))
            for some in in_portions(list(gone)):
                connection.execute(folders.delete().where(folders.c.serial.in_(some)))

        await self._database.write(delete)

    async def children(self, instance: Instance, parent: int | None) -> list[Folder]:
        def select(connection: sa.Connection) -> list[Folder]:
            if parent is not None:
                _find_all(connection, instance, [parent])
            inside = (folders.c.instance == instance) & (folders.c.parent == parent)
            rows = connection.execute(folders.select().where(inside).order_by(folders.c.name, folders.c.serial))
            return list(map(_folder_from_row, rows.mappings()))

        return await self._database.read(select)


def _insert(
    connection: sa.Connection, instance: Instance, parent: int | None, name: str, ancestors: "_Ancestors"
) -> Folder:
    if parent is not None:
        _find_all(connection, instance, [parent])
    row = {"instance": instance, "parent": parent, "name": name}
    key = connection.execute(folders.insert().values(row)).inserted_primary_key
    assert key is not None
    folder = Folder(serial=key[0], parent=parent, name=name)
    ancestors.check(folder)
    _check_name(connection, instance, folder)
    return folder


def _find(connection: sa.Connection, instance: Instance, serials: Sequence[int]) -> dict[int, Folder]:
    return {
        row[folders.c.serial]: _folder_from_row(row)
        for some in in_portions(serials)
        for row in connection.execute(
            folders.select().where((folders.c.instance == instance) & folders.c.serial.in_(some))
        ).mappings()
    }


def _find_all(connection: sa.Connection, instance: Instance, serials: Sequence[int]) -> dict[int, Folder]:
    """Raises NotFound."""
    found = _find(connection, instance, serials)
    if any(serial not in found for serial in serials):
        raise NotFound("There is no folder of that id.")
    return found


class _Ancestors:
    """Who lies in whom, each asked once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._parents: dict[int, int | None] = {}

    def check(self, folder: Folder) -> None:
        """Raises Conflict where it would lie in itself, or too deep."""
        self._parents[folder.serial] = folder.parent
        seen = {folder.serial}
        parent = folder.parent
        while parent is not None:
            if parent in seen:
                raise Conflict("A folder cannot lie in itself.")
            if len(seen) >= DEEPEST:
                raise Conflict(f"Folders lie at most {DEEPEST} deep in each other.")
            seen.add(parent)
            parent = self._parent(parent)

    def _parent(self, serial: int) -> int | None:
        if serial not in self._parents:
            query = sa.select(folders.c.parent).where(folders.c.serial == serial)
            self._parents[serial] = self._connection.execute(query).scalar()
        return self._parents[serial]


def _check_name(connection: sa.Connection, instance: Instance, folder: Folder) -> None:
    """Raises Conflict."""
    beside = (folders.c.instance == instance) & (folders.c.parent == folder.parent)
    same = beside & (folders.c.name == folder.name) & (folders.c.serial != folder.serial)
    if connection.execute(sa.select(folders.c.serial).where(same)).first():
        raise Conflict("There is a folder of that name beside it already.")


def _check_contents(connection: sa.Connection, serials: Sequence[int], *, but: Collection[int]) -> None:
    """Raises Conflict."""
    inside = sa.select(folders.c.serial).where(folders.c.parent.in_(serials))
    has_assets = connection.execute(sa.select(assets.c.serial).where(assets.c.folder.in_(serials)).limit(1)).first()
    if has_assets or any(serial not in but for serial in connection.execute(inside).scalars()):
        raise Conflict("The folder is not empty.")


def _folder_from_row(row: sa.RowMapping) -> Folder:
    return Folder(serial=row[folders.c.serial], parent=row[folders.c.parent], name=row[folders.c.name])
