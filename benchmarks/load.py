"""Many requests for one URL over connections kept alive: wrk, or a slower client of our own where there is no wrk."""

import re
import shutil
import subprocess
import sys

from benchmarks.answers import WrongAnswer
from benchmarks.processes import PROJECT, pinned_to

CONNECTIONS = 32

_SLACK = 30.0  # seconds beyond its time that a client may take before it is stopped


def choose_client() -> str:
    return "wrk" if shutil.which("wrk") else "keepalive"


def send_load(url: str, *, seconds: int, etag: str | None = None, core: int | None = None) -> int:
    """How many requests were answered. With an `etag` they are conditional. Raises WrongAnswer."""
    condition = [] if etag is None else [f"If-None-Match: {etag}"]
    if choose_client() == "wrk":
        headers = [word for line in condition for word in ("-H", line)]
        output = _run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *headers, url], seconds=seconds, core=core)
    else:
        program = [sys.executable, "-m", "benchmarks.keepalive"]
        output = _run([*program, url, str(CONNECTIONS), str(seconds), *condition], seconds=seconds, core=core)
    answered = re.search(r"(\d+) requests in", output)
    if answered is None or re.search(r"Non-2xx|Socket errors", output):
        raise WrongAnswer(output.strip())
    return int(answered[1])


def _run(command: list[str], *, seconds: int, core: int | None) -> str:
    try:
        with pinned_to(core):
            done = subprocess.run(
                command, cwd=PROJECT, check=True, capture_output=True, text=True, timeout=seconds + _SLACK
            )
    except subprocess.CalledProcessError as error:
        raise WrongAnswer(error.stderr.strip()[-300:]) from error
    except subprocess.TimeoutExpired as error:
        raise WrongAnswer(f"the client took {_SLACK:.0f} s longer than it should") from error
    return done.stdout
