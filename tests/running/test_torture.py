"""The crash campaign, a short one: processes killed at random while every vendor misbehaves, and the ledger counted."""

import re
import subprocess
import sys
from pathlib import Path

CAMPAIGN = Path(__file__).resolve().parents[2] / "bench" / "torture.py"


def test_killed_at_random_everything_goes_out_once_or_it_is_said_why_not() -> None:
    arguments = ["--posts", "100", "--kills", "10", "--speed", "30", "--patience", "60"]
    ended = subprocess.run(
        [sys.executable, str(CAMPAIGN), *arguments], capture_output=True, text=True, timeout=150, check=False
    )
    told = ended.stdout + ended.stderr
    assert ended.returncode == 0, told
    count = {name: int(number) for name, number in re.findall(r"^(.*?)\s{2,}(-?\d+)$", ended.stdout, re.MULTILINE)}
    assert count["duplicates"] == count["lost"] == count["out of order"] == count["failed, though public"] == 0, told
    assert count["posts"] == 100
    assert count["published"] > 60, told
