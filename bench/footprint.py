"""What AMP needs before it does anything: seconds until it answers, and memory while it idles.

    python bench/footprint.py [rounds]

An answer is a real one: a list of missions, with the first key. Memory is that of all processes with the database
(PSS: what several share is counted once), some seconds after the last request. It needs Linux's /proc.
"""

import sys
import time
from pathlib import Path

from yardstick import Product, family, median, memory, new_product, verdict

ROUNDS = 3
REQUESTS = 200
SETTLED = 5.0


def main(rounds: int) -> None:
    first: list[float] = []
    cold: list[float] = []
    idle: list[dict[str, float]] = []
    for _ in range(rounds):
        with new_product() as product:
            first.append(_start(product)[1])
            product.stop()
            server, seconds = _start(product)
            cold.append(seconds)
            idle.append(_memory(product, server))
    print(f"Footprint of amp serve, median of {rounds} rounds\n")
    print(f"first start ever {median(first):6.1f} s    {verdict(median(first), most=10)}")
    print(f"cold start       {median(cold):6.1f} s    {verdict(median(cold), most=3)}")
    total = median([sum(one.values()) for one in idle])
    print(f"idle memory      {total:6.0f} MB   {verdict(total, most=300)}")
    for name in idle[0]:
        print(f"  {name:14} {median([one[name] for one in idle]):6.0f} MB")


def _start(product: Product) -> tuple[int, float]:
    """The process id of the parent, and the seconds to the first answer."""
    started = time.perf_counter()
    server = product.serve()
    return server.pid, time.perf_counter() - started


def _memory(product: Product, server: int) -> dict[str, float]:
    """Megabytes by process, after some requests and a rest."""
    for _ in range(REQUESTS):
        product.answers()
    time.sleep(SETTLED)
    named: dict[str, list[int]] = {"amp serve": [server], "amp web": [], "amp worker": []}
    for child in family(server)[1:]:
        named[f"amp {_command(child)}"].append(child)
    named["PostgreSQL"] = family(int((product.home / "postgres" / "postmaster.pid").read_text().split()[0]))
    return {name: memory(pids) for name, pids in named.items()}


def _command(pid: int) -> str:
    """`web` of `python -m amp.cli web --parent 1`."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[3]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
