"""What a large upload costs in memory: a film of 200 MB sent to `POST /api/posts`, with the server's memory watched.

    python bench/upload.py [rounds]

The yardstick is the file itself: a server that held it would grow by 200 MB. Memory is that of the web
process and of the program that examines the file, sampled while the upload runs. It needs Linux's /proc.
"""

import http.client
import json
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from yardstick import Product, family, median, memory, new_product, verdict, wait_until

ROUNDS = 3
SIZE = 200_000_000
MOST_GROWTH = 0.25
"""Of the size of the file."""
PIECE = 1 << 20
BOUNDARY = "the-end-of-a-part"

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from films import film  # noqa: E402 (a real film, from where tests make theirs)


def main(rounds: int) -> None:
    before: list[float] = []
    peak: list[float] = []
    seconds: list[float] = []
    with new_product() as product:
        server = product.serve("--no-worker")
        wait_until(lambda: bool(_accounts(product)), told_by=product.log)
        _upload(product, SIZE // 100)  # the first upload loads code, whatever its size
        for _ in range(rounds):
            before.append(_memory(server.pid))
            with _Watch(server.pid) as watch:
                started = time.perf_counter()
                _upload(product, SIZE)
                seconds.append(time.perf_counter() - started)
            peak.append(watch.peak)
    growth = max(top - low for top, low in zip(peak, before, strict=True))
    print(f"Upload of {SIZE // 1_000_000} MB, {rounds} rounds\n")
    print(f"memory before    {median(before):6.0f} MB")
    print(f"memory at peak   {max(peak):6.0f} MB")
    print(f"growth           {growth:6.0f} MB   {growth * 1e6 / SIZE:.2f} of the file, "
          f"{verdict(growth * 1e6 / SIZE, most=MOST_GROWTH)}")  # fmt: skip
    print(f"time             {median(seconds):6.1f} s    {SIZE / 1e6 / median(seconds):.0f} MB/s")


def _upload(product: Product, size: int) -> None:
    """A draft with a film of `size` bytes."""
    set_id = _accounts(product)[0]["platformSetId"]
    form = {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(sum(len(piece) for piece in _form(set_id, size))),
    }
    _ask(product, "POST", "/api/posts", body=_form(set_id, size), headers=form)


def _accounts(product: Product) -> list[dict[str, Any]]:
    return _ask(product, "GET", "/api/v1/accounts?platform=twitter")["accounts"]


def _ask(product: Product, method: str, path: str, **request: Any) -> Any:
    key = json.loads((product.home / "credentials.json").read_text())["api_key_test"]
    headers = {"Authorization": f"Bearer {key}", **request.pop("headers", {})}
    with closing(http.client.HTTPConnection("127.0.0.1", product.port, timeout=120)) as connection:
        connection.request(method, path, headers=headers, **request)
        answer = connection.getresponse()
        told = json.loads(answer.read())
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status}: {told}")
    return told


def _form(set_id: str, size: int) -> Iterator[bytes]:
    data = json.dumps({"text": "A long film", "platforms": ["twitter"], "platformSetId": set_id})
    yield _part('name="data"') + data.encode() + b"\r\n"
    yield _part('name="files"; filename="film.mp4"')
    yield from _film(size)
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def _film(size: int) -> Iterator[bytes]:
    """A whole film whose header comes first, so that its content can be made as it is sent."""
    head = film(1280, 720, header_first=True, picture=b"")
    content = size - len(head)
    yield head[:-8] + struct.pack(">I4s", content + 8, b"mdat")
    for start in range(0, content, PIECE):
        yield bytes(min(PIECE, content - start))


def _part(named: str) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {named}\r\n\r\n".encode()


class _Watch:
    """The most memory of a family of processes, looked at every few milliseconds."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.peak = 0.0

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.005):
            self.peak = max(self.peak, _memory(self._pid))


def _memory(pid: int) -> float:
    """Megabytes of the processes that answer and of what they start, what they share counted by shares. One that ends
    meanwhile has none."""
    total = 0.0
    for one in _family(pid)[1:]:
        with suppress(FileNotFoundError, ProcessLookupError, StopIteration):
            total += memory([one])
    return total


def _family(pid: int) -> list[int]:
    while True:
        try:
            return family(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # one of them ended while we looked


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
