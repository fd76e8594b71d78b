"""What is generated from the code is up to date."""

import runpy
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from amp.config import Settings
from amp.migrations import revision

ROOT = Path(__file__).parents[2]


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_reference_is_up_to_date() -> None:
    generator = runpy.run_path(str(ROOT / "docs/reference/generate.py"))
    assert generator["outdated"]() == []


def test_the_newest_revision_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(revision.__file__).parent))
    assert revision.newest() == ScriptDirectory.from_config(config).get_current_head()
