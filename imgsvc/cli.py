"""The command line. Each command loads what it needs when it runs, so that `--help` is instant."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from imgsvc.core.errors import ImgsvcError
from imgsvc.core.tokens import Scope

if TYPE_CHECKING:
    from imgsvc.settings import Settings


class _Commands(click.Group):
    """What one of them cannot do is said in a sentence, with status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ImgsvcError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="imgsvc")
def main() -> None:
    """imgsvc: originals in once, exactly the picture asked for out.

    Settings come from IMGSVC_* variables; README lists them.
    """


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", help="Port to listen on; 0 for any.")
@click.option("--data", help="The folder that holds all state.")
@click.option("--token", help="A token that permits everything.")
@click.option("--public-url", help="What URLs in answers begin with.")
@click.option("--workers", help="Server processes.")
@click.option("--render-workers", help="Render processes.")
def serve(**options: str | None) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    import os

    from imgsvc.app.gate import load_signing_keys
    from imgsvc.app.parts import metrics_folder
    from imgsvc.catalog.revision import check_catalog
    from imgsvc.settings import variable_name
    from imgsvc.supervisor import AlreadyServed, supervise
    from imgsvc.telemetry import set_up_logs

    settings = _settings(**options)
    # The processes started from here read the same settings again.
    os.environ.update({variable_name(name): value for name, value in options.items() if value is not None})
    set_up_logs()
    try:
        # Before server processes that could not do without would be started again and again.
        load_signing_keys(settings)
        check_catalog(settings.data / "catalog.sqlite")
        asyncio.run(supervise(settings, metrics=metrics_folder(settings)))
    except AlreadyServed as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.") from None


@main.command("broker", hidden=True)
@click.option("--parent", type=int, required=True, help="The process that starts this one.")
def broker(parent: int) -> None:
    """The render broker; `serve` starts it."""
    from imgsvc.render.process import die_with_parent

    die_with_parent(parent)
    from imgsvc.app.broker import run_broker
    from imgsvc.app.parts import metrics_folder
    from imgsvc.telemetry import Metrics, set_up_logs

    settings = _settings()
    set_up_logs()
    asyncio.run(run_broker(settings, Metrics(metrics_folder(settings))))


@main.command("server-process", hidden=True)
@click.option("--parent", type=int, required=True, help="The process that starts this one.")
@click.option("--fd", "fds", type=int, required=True, multiple=True, help="Listening sockets, its own first.")
def server_process(parent: int, fds: tuple[int, ...]) -> None:
    """One server process; `serve` starts as many as are asked for."""
    from imgsvc.render.process import die_with_parent

    die_with_parent(parent)
    from imgsvc.app.server import run_server
    from imgsvc.telemetry import set_up_logs

    settings = _settings()
    set_up_logs()
    run_server(settings, fds)


@main.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def import_(paths: tuple[Path, ...]) -> None:
    """Take in pictures, from files and from folders with all that is in them.

    Safe to repeat: a file that is there already under its name is left alone.
    """
    from imgsvc.commands.originals import import_paths

    refused = asyncio.run(import_paths(_settings(), paths))
    if refused:
        raise SystemExit(1)


@main.command()
@click.argument("asset_id", type=UUID, metavar="GUID")
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def replace(asset_id: UUID, path: Path) -> None:
    """Let an asset show another file from now on; its URLs stay."""
    from imgsvc.commands.originals import replace_original

    click.echo(asyncio.run(replace_original(_settings(), asset_id, path)))


@main.command()
def samples() -> None:
    """Take a dozen sample products into an empty library and print their URLs."""
    from imgsvc.commands.originals import import_samples

    asyncio.run(import_samples(_settings()))


@main.command()
@click.option("--derivatives", is_flag=True, help="Cached files, too.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="MB", help="Megabytes a second at most.")
@click.option("--after", metavar="DIGEST", help="Go on behind this one.")
def verify(derivatives: bool, rate: float | None, after: str | None) -> None:
    """Read every original and compare it with its digest; also beside a running service.

    Names what is damaged or missing, and which assets show it. Status 1 where anything is.
    """
    from imgsvc.commands.verify import verify as scrub

    pace = None if rate is None else rate * 1_000_000
    if not asyncio.run(scrub(_settings(), derivatives=derivatives, rate=pace, after=after)):
        raise SystemExit(1)


@main.command()
@click.option("--asset", "assets", multiple=True, metavar="ID", help="By any of its ids.")
@click.option("--folder", "folders", multiple=True, metavar="ID", help="With all that lies in it; root for the root.")
@click.option("--preset", "presets", multiple=True, metavar="NAME", help="What was asked for by it.")
@click.option("--tag", "tags", multiple=True, help="As caches in front know it: asset-…, folder-…, preset-….")
@click.option("--everything", is_flag=True, help="Of the instance.")
@click.option("--soft", is_flag=True, help="Serve what is there until it is made again; files that are whole stay.")
def purge(
    assets: tuple[str, ...],
    folders: tuple[str, ...],
    presets: tuple[str, ...],
    tags: tuple[str, ...],
    everything: bool,
    soft: bool,
) -> None:
    """Have renditions made again, and caches in front drop them."""
    from imgsvc.commands.purge import purge as order
    from imgsvc.service.purge_orders import Wish

    if not (assets or folders or presets or tags or everything):
        raise click.UsageError("Nothing is named that is to be purged.")
    wish = Wish(assets=assets, folders=folders, presets=presets, tags=tags, everything=everything, soft=soft)
    click.echo(asyncio.run(order(_settings(), wish)))


@main.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE")
@click.argument("query")
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT")
def render(path: Path, query: str, output: Path) -> None:
    """Render one file without a server: FILE 'maxWidth=400&format=webp' OUT.

    QUERY is what would stand behind the question mark of a URL. Without a format, OUT's extension decides.
    """
    from imgsvc.commands.render import render_file

    click.echo(asyncio.run(render_file(_settings(), path, query, output)))


@main.command()
@click.argument("url", required=False)
@click.option("--expires", "lifetime", metavar="TIME", help="How long it holds: 90m, 24h, 7d; without it for ever.")
@click.option("--floating", is_flag=True, help="For every size of the ladder, whatever width, height and dpr say.")
@click.option("--key", "key_id", metavar="ID", help="Which key of IMGSVC_SIGNING_KEYS signs; without it the first.")
@click.option("--ladder", is_flag=True, help="Print the ladder's sizes instead, a line each.")
def sign(url: str | None, lifetime: str | None, floating: bool, key_id: str | None, ladder: bool) -> None:
    """Sign a picture's URL, or its path, and print it."""
    from imgsvc.commands.sign import sign_url
    from imgsvc.core.bounds import Signatures, Unsigned

    settings = _settings()
    if ladder:
        click.echo("\n".join(map(str, settings.ladder.rungs)))
        return
    if url is None:
        raise click.UsageError("Missing argument 'URL'.")
    if settings.signatures is Signatures.OFF and settings.unsigned is Unsigned.ANYTHING:
        click.echo("IMGSVC_SIGNATURES is off, so nobody looks at signatures.", err=True)
    click.echo(sign_url(settings, url, lifetime=lifetime, floating=floating, key_id=key_id))


@main.group()
def token() -> None:
    """Make, list and revoke tokens for the management APIs."""


@token.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    default=["read", "write"],
    show_default=True,
)
@click.option("--instance", help="Whose library it opens; without it that of IMGSVC_INSTANCE.")
def create_token(name: str, scopes: tuple[str, ...], instance: str | None) -> None:
    """Make a token and print it, this once: only its digest is stored."""
    from imgsvc.commands.tokens import create_token as create

    settings = _settings(instance=instance)
    click.echo(asyncio.run(create(settings, name, scopes)))


@token.command("list")
def list_tokens() -> None:
    """Numbers, times, instances, scopes and names; tokens themselves are not known."""
    from imgsvc.commands.tokens import list_tokens as list_

    for one in asyncio.run(list_(_settings())):
        scopes = ",".join(sorted(one.scopes))
        click.echo(f"{one.serial:4}  {one.created:%Y-%m-%d %H:%M}  {one.instance:16}  {scopes:24}  {one.name}")


@token.command("revoke")
@click.argument("name")
def revoke_token(name: str) -> None:
    """Revoke all tokens of that name."""
    from imgsvc.commands.tokens import revoke_tokens

    count = asyncio.run(revoke_tokens(_settings(), name))
    if count == 0:
        raise click.ClickException(f"There is no token named {name}.")
    click.echo(f"Revoked: {count}")


@main.group()
def quarantine() -> None:
    """List and release originals that are set aside, since they ended or held up the renderer more than once."""


@quarantine.command("list")
def list_quarantined() -> None:
    """When, what they did, their digests, and the assets that show them; the latest first."""
    from imgsvc.commands.quarantine import list_quarantined as list_

    click.echo(asyncio.run(list_(_settings())))


@quarantine.command("release")
@click.argument("original", metavar="DIGEST|GUID")
def release_quarantined(original: str) -> None:
    """Let an original be rendered again, at once: by its digest, or by the GUID of an asset that shows it."""
    from imgsvc.commands.quarantine import release

    click.echo(asyncio.run(release(_settings(), original)))


def _settings(**options: str | None) -> Settings:
    """Logs are off until a command turns them on."""
    from imgsvc.settings import SettingsError, load_settings
    from imgsvc.telemetry import silence_logs

    silence_logs()
    try:
        return load_settings(**options)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
