"""nginx with its image_filter module, as the system has them: it resizes, and writes the format that it reads."""

import getpass
import os
import re
import subprocess
from pathlib import Path

from benchmarks.answers import WrongAnswer
from benchmarks.contender import Contender, Setting, Unavailable
from benchmarks.jobs import Ask
from benchmarks.peers.installation import find_program

_MODULE = "ngx_http_image_filter_module.so"


def prepare_nginx(setting: Setting) -> Contender:
    """Raises Unavailable."""
    program = find_program("nginx")
    configuration = setting.scratch / "nginx.conf"
    configuration.write_text(_configuration(setting, module=_find_module(program)))
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


def _configuration(setting: Setting, *, module: Path) -> str:
    # Workers of a master that is root become nobody, who may not read a scratch folder.
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"{kind}_temp_path {setting.scratch / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
load_module {module};
{user}
daemon off;
pid {setting.scratch / "nginx.pid"};
worker_processes {setting.render_processes};
events {{ worker_connections 256; }}
http {{
    {temporary}
    types {{ image/jpeg jpg; image/png png; }}
    access_log off;
    server {{
        listen 127.0.0.1:{setting.port};
        root {setting.originals[0].parent};
        location = /ready {{ return 204; }}
        location / {{
            image_filter resize $arg_width -;
            image_filter_jpeg_quality $arg_quality;
            image_filter_buffer 256M;
        }}
    }}
}}
"""


def _target(name: str, ask: Ask) -> str:
    own = name.rpartition(".")[2]
    if own != ask.extension:
        raise WrongAnswer(f"expected {ask.extension} of {own}, it writes no other format than it reads")
    return f"/{name}?width={ask.width}&quality={ask.quality}"
