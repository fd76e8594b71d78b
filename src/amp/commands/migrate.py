"""`amp migrate`: bring the database to the newest shape, or tell whether that is needed."""

from amp.commands.saying import fail, say
from amp.commands.starting import load_settings
from amp.config import Settings
from amp.kit.errors import Unavailable
from amp.kit.postgres import start_embedded
from amp.migrations import revision, runner


def database_url(settings: Settings) -> str:
    return settings.database_url or start_embedded(settings.home_directory)


def migrate(*, check: bool) -> int:
    try:
        url = database_url(load_settings())
        if not check:
            runner.upgrade(url)
            return 0
        outdated = revision.is_outdated(url)
    except Unavailable as error:
        fail(error.message)
    say("The database needs migrating: amp migrate" if outdated else "The database is up to date")
    return int(outdated)
