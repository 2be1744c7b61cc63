"""The system's nginx: with its image_filter module, which resizes and writes the format that it reads; and plain."""

import getpass
import os
import re
import subprocess
from pathlib import Path

from benchmarks.answers import WrongAnswer
from benchmarks.contender import Contender, Setting, Unavailable
from benchmarks.jobs import Ask
from benchmarks.peers.installation import find_program
from benchmarks.stored import stored_folder, stored_name

_MODULE = "ngx_http_image_filter_module.so"
_PREFIX = f"/images/00000000-0000-0000-0000-000000000000/maxWidth=800,quality=80,format=jpg/{'0' * 32}/"
"""As long as ours: a request line costs what it costs. The ETag is nginx' own."""

_HEADERS = "".join(
    f'add_header {name} "{value}";'
    for name, value in {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Timing-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
    }.items()
)

_FILTERED = "image_filter resize $arg_width -; image_filter_jpeg_quality $arg_quality; image_filter_buffer 256M;"


def prepare_nginx(setting: Setting) -> Contender:
    """Raises Unavailable."""
    program = find_program("nginx")
    configuration = write_configuration(
        setting,
        load=f"load_module {_find_module(program)};",
        http=_site(setting, _FILTERED, root=setting.originals[0].parent),
        workers=setting.render_processes,
    )
    return Contender(
        name="nginx",
        command=(program, "-p", str(setting.scratch), "-e", "stderr", "-c", str(configuration)),
        ready_path="/ready",
        target=_target,
        setting=setting,
    )


def _find_module(program: str) -> Path:
    built = subprocess.run((program, "-V"), check=True, capture_output=True, text=True).stderr
    folder = re.search(r"--modules-path=(\S+)", built)
    if folder is None or not (module := Path(folder[1]) / _MODULE).exists():
        raise Unavailable("its image_filter module is not installed (Debian's package libnginx-mod-http-image-filter)")
    return module


def write_configuration(setting: Setting, *, http: str, load: str = "", workers: int = 1) -> Path:
    """Around what belongs in the http block; everything else stays in the scratch folder."""
    # Workers of a master that is root become nobody, who may not read a scratch folder.
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    temporary = "".join(
        f'{kind}_temp_path "{setting.scratch / kind}";' for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = setting.scratch / "nginx.conf"
    configuration.write_text(f"""
{load}
{user}
daemon off;
pid "{setting.scratch / "nginx.pid"}";
worker_processes {workers};
pcre_jit on;
events {{ worker_connections 256; }}
http {{
    {temporary}
    access_log off;
    {http}
}}
""")
    return configuration


def prepare_nginx_static(setting: Setting) -> Contender:
    """Sends what `benchmarks.stored` put there, under our headers; one worker, sendfile. Raises Unavailable."""
    program = find_program("nginx")
    folder = stored_folder(setting.scratch)
    site = _site(setting, f'sendfile on; tcp_nopush on; {_HEADERS} alias "{folder}/";', root=folder, prefix=_PREFIX)
    configuration = write_configuration(setting, http=site)
    return Contender(
        name="nginx static",
        command=(program, "-p", str(setting.scratch), "-e", "stderr", "-c", str(configuration)),
        ready_path="/ready",
        target=lambda _, ask: f"{_PREFIX}{stored_name(ask)}",
        setting=setting,
    )


def _site(setting: Setting, location: str, *, root: Path, prefix: str = "/") -> str:
    return f"""
    types {{ image/jpeg jpg; image/png png; }}
    server {{
        listen 127.0.0.1:{setting.port};
        root "{root}";
        location = /ready {{ return 204; }}
        location {prefix} {{ {location} }}
    }}
"""


def _target(name: str, ask: Ask) -> str:
    own = name.rpartition(".")[2]
    if own != ask.extension:
        raise WrongAnswer(f"expected {ask.extension} of {own}, it writes no other format than it reads")
    return f"/{name}?width={ask.width}&quality={ask.quality}"
