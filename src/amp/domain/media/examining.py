"""Having files probed by a program of its own, so that a hostile one harms nothing but itself."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import IO

from amp.domain.media.probing import Probed, unsupported

_SECONDS = 30.0
"""Less than half of a delivery's lease, which nobody renews meanwhile."""


class Examiner:
    """Probes a few files at a time. One for each process."""

    def __init__(self, *, at_once: int = 2) -> None:
        self._turns = asyncio.Semaphore(at_once)

    async def examine(self, file: IO[bytes]) -> Probed:
        """What an open file of this machine is; its position is lost. Errors: Invalid (`UNSUPPORTED_MEDIA_TYPE`)."""
        async with self._turns:
            file.seek(0)
            program = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", "amp.domain.media.probing"), stdin=file, stdout=PIPE, stderr=DEVNULL
            )
            try:
                async with asyncio.timeout(_SECONDS):
                    output, _ = await program.communicate()
            except TimeoutError:
                output = b""
            finally:
                if program.returncode is None:
                    program.kill()
                    await program.wait()
        if program.returncode != 0 or not output:
            raise unsupported("This file cannot be read: it takes too much time or memory, or breaks its reader")
        answer = json.loads(output)
        if "refused" in answer:
            raise unsupported(answer["refused"])
        return Probed(**answer)
