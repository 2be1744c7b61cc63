"""imgsvc with nginx before it, as one server: both are started, and both end when either does or when it is told to.

Run as `python -m benchmarks.peers.behind_nginx IMGSVC NGINX CONFIGURATION`.
"""

import signal
import subprocess
import sys
import time

_LOOK_EVERY = 0.1


def main(imgsvc: str, nginx: str, configuration: str) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    commands = ((imgsvc, "serve"), (nginx, "-e", "stderr", "-c", configuration))
    processes = [subprocess.Popen(command) for command in commands]
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(_LOOK_EVERY)
    except KeyboardInterrupt:
        pass
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
