"""How commands name the assets that show an original."""

from collections.abc import Sequence

from imgsvc.core.assets import Asset


def shown_by(assets: Sequence[Asset], *, otherwise: str) -> str:
    """`otherwise`: where there are none."""
    return ", ".join(f"{asset.id} {asset.name} ({asset.instance})" for asset in assets) or otherwise
