"""Misses: what a rendition costs that nobody has asked for before, against the image servers there are.

Every request is for a copy of the original of its own, so nothing anywhere can have it, and every server is asked
in turn in each round, so that a machine which becomes slower does so for all. A first miss is of an original nobody
has asked anything of, a later miss of one that has been asked for two other renditions.
"""

import argparse
from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.jobs import FIRST_BURSTS, FIRST_MISSES, LATER_BURSTS, LATER_MISSES, Job
from benchmarks.rounds import Result, Results, measure_job, show_cpu, show_memory, show_wall
from benchmarks.stage import Stage, add_arguments, end_orderly_when_terminated, stage_from_arguments
from benchmarks.tables import NOTHING, Quantity, print_comparison, print_rows, ratio, spread

_CONTENDERS = ("imgsvc", "plain", "thumbor", "thumbor-simd", "sharp", "ipx", "nginx")
_OURS = "imgsvc"

MISSES: Mapping[str, Sequence[Job]] = {"First miss": FIRST_MISSES, "Later miss": LATER_MISSES}
BURSTS: Mapping[str, Sequence[Job]] = {
    "16 first misses at once": FIRST_BURSTS,
    "64 later misses, 16 at a time": LATER_BURSTS,
}

Measured = Mapping[str, Results]
"""By the job's name."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.miss", description=__doc__)
    add_arguments(parser, contenders=_CONTENDERS)
    parser.add_argument("--jobs", default="", help="only those whose name contains this")
    parser.add_argument("--bursts", default="", help="likewise, of those that come sixteen at a time")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--cold", dest="warm", action="store_const", const=False, help="first misses only")
    kinds.add_argument("--warm", dest="warm", action="store_const", const=True, help="later misses only")
    arguments = parser.parse_args()
    stage = stage_from_arguments(arguments)
    end_orderly_when_terminated()

    def measure(jobs: Sequence[Job], *, part: str) -> Measured:
        kind = [job for job in jobs if arguments.warm in (None, job.warm)]
        return {job.name: measure_job(job, stage) for job in kind if part in job.name}

    misses = {title: measure(jobs, part=arguments.jobs) for title, jobs in MISSES.items()}
    bursts = {title: measure(jobs, part=arguments.bursts) for title, jobs in BURSTS.items()}
    for title, measured in misses.items():
        _print(title, measured, _QUANTITIES, stage)
    for title, measured in bursts.items():
        _print(title, measured, _BURST_QUANTITIES, stage)


def _print(title: str, measured: Measured, quantities: Mapping[str, Quantity[Result]], stage: Stage) -> None:
    if not measured:
        return
    print_rows(
        (f"{title}: CPU as a multiple of the best peer", _OURS, "best peer"),
        [(name, *_compare_with_best(results)) for name, results in measured.items()],
    )
    titled = {f"{title}: {quantity}": cell for quantity, cell in quantities.items()}
    print_comparison(titled, measured, stage.contenders)


def _compare_with_best(results: Results) -> tuple[str, str]:
    """The best is whoever has the least median; the multiple is the median of multiples within a round."""
    cpu = {name: [turn.cpu_seconds for turn in result.turns] for name, result in results.items()}
    own = cpu.pop(_OURS, None)
    if own is None or not cpu:
        return NOTHING, NOTHING
    best = min(cpu, key=lambda name: median(cpu[name]))
    return ratio(own, cpu[best]), best


def _kilobytes(results: Results, name: str) -> str:
    return f"{median(turn.size for turn in results[name].turns) / 1000:.1f}"


def _throughput(results: Results, name: str) -> str:
    return spread([results[name].job.renditions / turn.wall_seconds for turn in results[name].turns], digits=1)


def _busy(results: Results, name: str) -> str:
    return spread([turn.busy for turn in results[name].turns], digits=2)


_QUANTITIES: Mapping[str, Quantity[Result]] = {
    "CPU ms": show_cpu,
    "wall ms": show_wall,
    "KB answered": _kilobytes,
    "peak memory of the tree, MB": show_memory,
}

_BURST_QUANTITIES: Mapping[str, Quantity[Result]] = {
    "renditions a second": _throughput,
    "share of all cores kept busy": _busy,
    "CPU ms for all": show_cpu,
    "peak memory of the tree, MB": show_memory,
}


if __name__ == "__main__":
    main()
