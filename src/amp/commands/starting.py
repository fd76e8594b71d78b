"""Starting a command: settings that are right, errors that say what to do."""

import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import uvloop
from pydantic import ValidationError

from amp.commands.saying import REFUSED, fail
from amp.config import Settings, share_metrics
from amp.kit.errors import AmpError

Result = TypeVar("Result")


def load_settings(*, quiet: bool = False) -> Settings:
    try:
        settings = Settings()
        settings.home_directory.stat()
    except ValidationError as error:
        _refuse([f"AMP_{_name(problem['loc'])}: {_said(problem['msg'])}" for problem in error.errors()], quiet=quiet)
    except OSError as error:
        _refuse([f"AMP_HOME: {error.filename} cannot be used: {error.strerror}"], quiet=quiet)
    return settings


def _refuse(wrong: Sequence[str], *, quiet: bool) -> NoReturn:
    if quiet:
        sys.exit(REFUSED)
    fail("These settings are wrong:\n  " + "\n  ".join(wrong), status=REFUSED)


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def misspelled(settings: Settings) -> list[str]:
    """A sentence about each variable that looks like one of ours and is none."""
    return [
        f"{name} is no setting" + (f": did you mean {meant}?" if meant else "")
        for name, meant in settings.unknown_variables().items()
    ]


def _name(location: tuple[int | str, ...]) -> str:
    return "_".join(str(part) for part in location).upper()


def load_process_settings(*, child: bool) -> Settings:
    """The settings of a web or worker process. Call it before anything that counts is loaded: the processes of
    one AMP_HOME share their metrics."""
    settings = load_settings(quiet=child)
    directory = settings.home_directory / "metrics"
    directory.mkdir(exist_ok=True)
    for file in directory.glob("*_*.db"):
        if not _is_alive(file):
            file.unlink(missing_ok=True)
    share_metrics(directory)
    return settings.model_copy(update={"metrics_directory": directory})


def _is_alive(metrics: Path) -> bool:
    """Whether the process whose metrics these are (`counter_123.db`) still runs."""
    try:
        os.kill(int(metrics.stem.rpartition("_")[2]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end. What we expected to go wrong becomes a sentence and exit status 1."""
    try:
        return uvloop.run(work)
    except AmpError as error:
        fail(error.message)
