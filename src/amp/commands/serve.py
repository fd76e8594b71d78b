"""`amp serve`: the parent of all processes on this machine."""

import errno
import socket

from amp.commands.saying import say
from amp.commands.starting import load_settings, misspelled
from amp.commands.supervisor import Supervisor
from amp.config import Settings
from amp.kit.postgres import start_embedded


def serve(supervisor: Supervisor) -> int:
    """Let the children of a started supervisor begin, if they can."""
    settings = load_settings()
    if hindrance := _hindrance(settings):
        supervisor.give_up()
        say(hindrance)
        return 1
    for sentence in misspelled(settings):
        say(sentence)
    return supervisor.run(lambda: _look_after_database(settings))


def _hindrance(settings: Settings) -> str | None:
    """Why nobody can listen there, and what to do."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # only who listens counts, not who did
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return f"AMP cannot listen on {settings.host}, port {settings.port}: {error.strerror}"
            return (
                f"Port {settings.port} on {settings.host} is taken: AMP may be running already, or something else is.\n"
                f"Stop it, or choose another port: AMP_PORT={settings.port + 1} amp serve"
            )
    return None


def _look_after_database(settings: Settings) -> None:
    """Joins the embedded server, and starts it again if it died."""
    if settings.database_url is None:
        start_embedded(settings.home_directory)
