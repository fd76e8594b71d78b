"""Adapters are found, and built once for each environment with what belongs to it."""

from pathlib import Path

import pytest

from amp.kit.clock import RealClock
from amp.kit.errors import Invalid
from amp.providers.discovery import Credentials, Social, social_vendors

PLUG_IN = """
from amp.domain.platforms.port import Capabilities, TextRule
from amp.providers.discovery import SocialVendor

BOARD = SocialVendor(
    name="board",
    capabilities=Capabilities("board", "Board", TextRule(100, len), text_only=True),
    live_base_url="https://board.example",
    build=lambda base_url, clock, credentials: (base_url, credentials.get("BOARD_CLIENT_ID")),
)
"""


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another package with a platform of its own, installed for the time of a test."""
    (tmp_path / "board_for_amp.py").write_text(PLUG_IN)
    announcement = tmp_path / "board_for_amp-1.0.dist-info"
    announcement.mkdir()
    (announcement / "METADATA").write_text("Metadata-Version: 2.1\nName: board-for-amp\nVersion: 1.0\n")
    (announcement / "entry_points.txt").write_text("[amp.social]\nboard = board_for_amp:BOARD\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    social_vendors.cache_clear()
    yield
    social_vendors.cache_clear()


def social(**more: object) -> Social:
    settings = {
        "clock": RealClock(),
        "credentials": Credentials({"BOARD_CLIENT_ID": "live-id"}),
        "live_urls": {},
        "sandbox_url": "http://127.0.0.1:8080/sandbox/",
    }
    return Social(**{**settings, **more})  # type: ignore[arg-type]


def test_every_module_of_the_package_is_a_platform_of_its_name():
    assert {"linkedin", "twitter"} <= set(social_vendors())
    for name, vendor in social_vendors().items():
        assert name == vendor.name == vendor.capabilities.platform
        assert vendor.live_base_url.startswith("https://")
        assert not vendor.live_base_url.endswith("/")


def test_what_another_package_announces_is_a_platform_too(board: None):
    assert "board" in social().names()


def test_each_environment_has_its_base_url_and_its_credentials(board: None):
    found = social(sandbox_credentials=Credentials({"BOARD_CLIENT_ID": "test-id"}))
    assert found.of("board", "live") == ("https://board.example", "live-id")
    assert found.of("board", "test") == ("http://127.0.0.1:8080/sandbox/board", "test-id")


def test_the_sandbox_never_sees_the_live_credentials(board: None):
    assert social().of("board", "test") == ("http://127.0.0.1:8080/sandbox/board", "")


def test_a_base_url_can_be_replaced_in_live_mode(board: None):
    found = social(live_urls={"board": "http://127.0.0.1:9999/"})
    assert found.of("board", "live") == ("http://127.0.0.1:9999", "live-id")


def test_an_adapter_is_built_once_per_environment():
    found = social()
    assert found.of("twitter", "test") is found.of("twitter", "test")
    assert found.of("twitter", "test") is not found.of("twitter", "live")


def test_an_unknown_platform_is_an_invalid_request_that_names_the_known_ones():
    with pytest.raises(Invalid, match=r"linkedin, .*twitter") as unknown:
        social().of("bluesky", "live")
    assert unknown.value.code == "unknown_platform"


def test_credentials_are_never_printed():
    assert "secret" not in repr(Credentials({"X": "secret"}))
