"""Ids as X and LinkedIn make them: milliseconds in the high bits, so that they sort by time.

id = milliseconds since the vendor's epoch << 22 | process (10 bits) << 12 | counter (12 bits)
"""

import os
import threading
from datetime import datetime

X_EPOCH = 1_288_834_974_657
"""Milliseconds since 1970 at which X's ids begin (November 2010)."""

UNIX_EPOCH = 0
"""LinkedIn's ids carry plain Unix milliseconds, which is why they begin with a 7 in these years."""

_LOW_BITS = 22
_COUNTER_BITS = 12


class Snowflakes:
    """Strictly rising within one process, also when many are asked for in one millisecond."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._last: tuple[int, int] = (0, 0)
        self._lock = threading.Lock()

    def make(self, now: datetime) -> int:
        with self._lock:
            last_moment, last_count = self._last
            moment = max(int(now.timestamp() * 1000) - self._epoch, last_moment)
            count = last_count + 1 if moment == last_moment else 0
            if count == 1 << _COUNTER_BITS:
                moment, count = moment + 1, 0
            self._last = (moment, count)
        process = os.getpid() & 1023
        return moment << _LOW_BITS | process << _COUNTER_BITS | count
