"""What a URL asks for, whichever dialect it was written in."""

from dataclasses import dataclass

from imgsvc.core.assets import AssetRef
from imgsvc.core.formats import Format
from imgsvc.core.transform import Transform
from imgsvc.core.variant import VariantKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRequest:
    """`extension`: the output format that the path's extension names, where the dialect gives it that meaning.

    `key`: the variant a canonical URL was made for. `redirect`: answer with that URL and not with bytes. `download`:
    to be saved, not shown. `pinned`: the caller says he will change the URL when the picture changes. `preset`: the
    name of the one that was asked for, in lower case.
    """

    ref: AssetRef
    transform: Transform
    extension: Format | None = None
    key: VariantKey | None = None
    redirect: bool = False
    download: bool = False
    pinned: bool = False
    preset: str | None = None
