"""What a URL asks for, whichever dialect it was written in."""

from dataclasses import dataclass, replace
from typing import Self

from imgsvc.core.assets import AssetRef
from imgsvc.core.formats import Format
from imgsvc.core.negotiation import Accepted
from imgsvc.core.transform import AUTO, NOTHING_ASKED, Transform
from imgsvc.core.variant import VariantKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRequest:
    """`extension`: the output format that the path's extension names, where the dialect gives it that meaning.

    `key`: the variant a canonical URL was made for. `redirect`: answer with that URL and not with bytes. `download`:
    to be saved, not shown. `pinned`: the caller says he will change the URL when the picture changes. `preset`: the
    name of the one that was asked for, in lower case. `accepted`: by who asks, where the format is negotiated.
    """

    ref: AssetRef
    transform: Transform
    extension: Format | None = None
    key: VariantKey | None = None
    redirect: bool = False
    download: bool = False
    pinned: bool = False
    preset: str | None = None
    accepted: Accepted = Accepted.NEITHER

    @property
    def is_negotiated(self) -> bool:
        """The answer depends on who asks."""
        return self.transform.format is AUTO and self.extension is None

    def negotiated(self) -> Self:
        """Where it asks for a rendition and neither query, preset, path nor key says of which format."""
        names_none = self.transform.format is None and self.extension is None and self.key is None
        if self.transform == NOTHING_ASKED or not names_none:
            return self
        return replace(self, transform=replace(self.transform, format=AUTO))
