"""The work of `imgsvc purge`: an order that the running service carries out, and its progress."""

import asyncio

from rich.console import Console

from imgsvc.app.library import open_library, utc_now
from imgsvc.app.purging import is_purging
from imgsvc.commands.progress import progress_bar
from imgsvc.service.purge_orders import PurgeOrders, PurgeReport, Wish
from imgsvc.settings import Settings

_LOOK_SECONDS = 0.1


async def purge(settings: Settings, wish: Wish) -> str:
    """The receipt when it is settled, or that there is nobody to carry it out.

    Raises InvalidParameter, NotFound, StoreFailure.
    """
    async with open_library(settings) as library:
        orders = PurgeOrders(catalog=library.catalog, presets=settings.presets, hooks=settings.purge_hooks, now=utc_now)
        report = await orders.add(settings.instance, wish)
        if not is_purging(settings):
            return f"ordered  {report.purge.serial}: no service runs on this folder; it is done when one does"
        with progress_bar(Console(stderr=True)) as progress:
            task = progress.add_task("Purging", total=None)
            while not report.is_settled:
                await asyncio.sleep(_LOOK_SECONDS)
                report = await orders.find(settings.instance, report.purge.serial)
                receipt = report.purge.receipt
                progress.update(task, completed=receipt.assets, total=receipt.total or None)
    return _receipt(report)


def _receipt(report: PurgeReport) -> str:
    receipt = report.purge.receipt
    removed = f"{receipt.derivatives} derivatives, {receipt.levels} pyramid levels, {receipt.length} bytes"
    stale = f"; {receipt.stale} derivatives stale" if report.purge.order.soft else ""
    told = (
        f"told     {hook.label}" if hook.told else f"untold   {hook.label}: {hook.failed} It is repeated."
        for hook in report.hooks
    )
    return "\n".join([f"removed  {removed}, of {receipt.assets} assets{stale}", *told])
