"""From a body to an asset: where its bytes come from, what it is called, what changes."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from imgsvc.apis.quable.attributes import attributes_from_shape, merge_attributes
from imgsvc.apis.quable.ids import check_code, claim_guid
from imgsvc.apis.quable.shapes import AssetInput, Named
from imgsvc.catalog.base import Assets, Edit
from imgsvc.core.assets import Asset, AssetRef, Attributes, NewAsset, guid_from_text, name_extension
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.formats import file_extension, format_from_extension, sniff_format
from imgsvc.service.imports import Imported, Imports
from imgsvc.service.ingest import Ingest, clean_name
from imgsvc.web.auth import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a body says of an asset, without its bytes and its id. None, and no attributes: nothing."""

    name: str | None
    active: bool | None
    attributes: Attributes
    classifications: tuple[str, ...] | None

    @property
    def says_nothing(self) -> bool:
        return not self.attributes and (self.name, self.active, self.classifications) == (None, None, None)


class Entering:
    """Bytes sent ahead, `file`, or those of another server, `remotePath`, shown by an asset."""

    def __init__(self, *, ingest: Ingest, imports: Imports) -> None:
        self._ingest = ingest
        self._imports = imports

    async def add(self, body: AssetInput, new: NewAsset) -> Asset:
        """`new.name` empty: that of the bytes. Raises what `Ingest.add_file`, `Ingest.add` and `Imports` raise."""
        if body.file is not None:
            return await self._ingest.add_file(_file_id(body.file), new)
        async with self._imports.spooled(body.remote_path or "", of="remotePath") as imported:
            name = new.name or imported_name(imported, otherwise=new.code or "")
            return await self._ingest.add(imported.spooled, replace(new, name=name))

    async def replace(self, body: AssetInput, ref: AssetRef, caller: Caller, edit: Edit) -> Asset:
        """As `add`, in an asset that is there; `edit` is made with it."""
        if body.file is not None:
            file_id = _file_id(body.file)
            return await self._ingest.replace_by_file(ref, file_id, caller.instance, by=caller.user, edit=edit)
        async with self._imports.spooled(body.remote_path or "", of="remotePath") as imported:
            return await self._ingest.replace(ref, imported.spooled, imported.name, by=caller.user, edit=edit)


async def new_from_body(body: AssetInput, caller: Caller, assets: Assets) -> NewAsset:
    """What can be wrong is found before a byte is fetched. Raises InvalidParameter, Conflict."""
    if not has_bytes(body):
        raise InvalidParameter("file", expected="given where remotePath is not", received="neither")
    fields = read_fields(body)
    if body.id is None:
        guid = uuid4()
        code = str(guid)
    else:
        code = check_code("id", body.id)
        guid = await claim_guid(assets, code, caller.instance)
    return NewAsset(
        instance=caller.instance,
        name=fields.name or "",
        by=caller.user,
        id=guid,
        code=code,
        attributes=fields.attributes,
        classifications=fields.classifications or (),
        active=fields.active is not False,
    )


def has_bytes(body: AssetInput) -> bool:
    """Raises InvalidParameter where they would come from two places."""
    if body.file is not None and body.remote_path is not None:
        raise InvalidParameter("file", expected="given where remotePath is not", received="both")
    return body.file is not None or body.remote_path is not None


def read_fields(body: AssetInput) -> Fields:
    """Raises InvalidParameter."""
    named = body.classifications if body.classification is None else [body.classification]
    return Fields(
        name=None if body.name is None else check_code("name", body.name),
        active=body.is_active if body.active is None else body.active,
        attributes=attributes_from_shape(body.attributes),
        classifications=None if named is None else tuple(check_code("classification.id", str(one.id)) for one in named),
    )


def edit_from_fields(fields: Fields) -> Edit:
    def edit(asset: Asset) -> Asset:
        return replace(
            asset,
            name=asset.name if fields.name is None else fields.name,
            active=asset.active if fields.active is None else fields.active,
            attributes=merge_attributes(asset.attributes, fields.attributes),
            classifications=asset.classifications if fields.classifications is None else fields.classifications,
        )

    return edit


def imported_name(imported: Imported, *, otherwise: str) -> str:
    """The URL's file name; a picture's gets the extension that its bytes deserve where it has another, or none.

    URLs that end in a script's name or in nothing are usual: `images?q=…`, `get.php`.
    """
    name = clean_name(imported.name) if imported.name else otherwise
    source = sniff_format(imported.spooled.head)
    if source is None or format_from_extension(name_extension(name)) is source:
        return name
    return f"{name}.{file_extension(source)}"


def _file_id(file: Named) -> UUID:
    """Raises NotFound."""
    guid = guid_from_text(str(file.id))
    if guid is None:
        raise NotFound("There is no file of that id.")
    return guid
