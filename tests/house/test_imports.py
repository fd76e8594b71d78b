"""What is loaded when, and what may import what."""

import ast
import subprocess
import sys
from pathlib import Path

import amp

SOURCE = Path(amp.__file__).parent
ROOT = Path(__file__).parents[2]
HEAVY = {
    "alembic",
    "anthropic",
    "fastapi",
    "granian",
    "numpy",
    "openai",
    "procrastinate",
    "psycopg",
    "pydantic",
    "pydantic_ai",
    "sqlalchemy",
    "starlette",
    "structlog",
}


def test_the_help_of_the_command_line_loads_nothing_heavy() -> None:
    code = "import sys, amp.cli\ntry: amp.cli.app(['--help'])\nexcept SystemExit: print(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "serve" in result.stdout
    assert not HEAVY & set(result.stderr.split())


def test_the_arrows_point_down() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_only_the_settings_read_the_environment() -> None:
    """The one other place tells a library where its run files go, which it reads when it is loaded."""
    readers = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if _reads_environment(path)}
    assert readers == {"config.py", "kit/postgres.py"}


def _reads_environment(path: Path) -> bool:
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    return bool(names & {"environ", "getenv"})
