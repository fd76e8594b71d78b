"""A platform is two files: the worked example of docs/extend.md is put in, and the contract suite runs over it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "bluesky"


def test_two_files_make_a_platform_that_keeps_every_promise(tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLE / "bluesky.py", source / "amp" / "providers" / "social")
    shutil.copy(EXAMPLE / "sandbox" / "bluesky.py", source / "amp" / "sandbox" / "social")
    suite = [sys.executable, "-m", "pytest", "-n", "0", "-k", "bluesky", "tests/providers/test_social_contract.py"]
    run = subprocess.run(
        suite, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(source)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-5000:]
    assert "passed" in run.stdout


def test_nothing_else_names_it() -> None:
    """But for the sentence that refuses it, as long as it is not offered."""
    naming = [path for path in (ROOT / "src").rglob("*.py") if "bluesky" in path.read_text().lower()]
    assert [path.name for path in naming] == ["drafting.py"]
