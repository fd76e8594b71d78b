"""Settings of platforms are read as they are written, and what is wrong with them is said in our own words."""

from typing import Any

import pytest
from pydantic import ValidationError

from amp.domain.platforms.port import Draft, Medium, Problem
from amp.domain.platforms.validation import validate
from amp.providers.discovery import social_vendors

CAPABILITIES = {name: vendor.capabilities for name, vendor in social_vendors().items()}
SETTINGS = [
    (platform, field.alias or name)
    for platform, capabilities in CAPABILITIES.items()
    for name, field in capabilities.settings.model_fields.items()
]
"""Platform and setting, by its name on the wire."""
EVERY = pytest.mark.parametrize(("platform", "name"), SETTINGS, ids=[f"{one} {name}" for one, name in SETTINGS])

WRONG: tuple[Any, ...] = (
    *("", "x", "yes", "1700000000", "2026", "2026-01-15T10:30:00", 5, -1, 1e20, 10**20, 1.5, True),
    *([], [5], ["x"] * 40, {}, {"a": 1}, "9999-12-31T23:59:59-23:00"),
)


def problems(platform: str, **settings: Any) -> list[Problem]:
    """Those of the settings."""
    media = (Medium("video/mp4"),) if platform in ("tiktok", "youtube") else (Medium("image/jpeg"),)
    found = validate(Draft(("Hello",), media=media, settings=settings), CAPABILITIES[platform])
    return [problem for problem in found if problem.field.startswith("settings")]


@pytest.mark.parametrize(
    ("platform", "name", "value"),
    [
        ("youtube", "notifySubscribers", "yes"),
        ("youtube", "notifySubscribers", 1),
        ("youtube", "selfDeclaredMadeForKids", "false"),
        ("youtube", "categoryId", "abc"),
        ("youtube", "categoryId", 28),
        ("youtube", "tags", "one,two"),
        ("youtube", "tags", [1]),
        ("youtube", "publishAt", "1700000000"),
        ("youtube", "publishAt", 1700000000),
        ("youtube", "publishAt", "2099-01-01"),
        ("youtube", "publishAt", "2099-01-01T00:00:00"),
        ("tiktok", "brandContentToggle", "yes"),
        ("tiktok", "videoCoverTimestampMs", 1e20),
        ("tiktok", "videoCoverTimestampMs", 10**20),
        ("tiktok", "videoCoverTimestampMs", "5"),
        ("tiktok", "videoCoverTimestampMs", 1.0),
        ("instagram", "shareToFeed", "true"),
        ("instagram", "thumbOffset", 10**20),
        ("instagram", "locationId", "Berlin"),
        ("instagram", "coverUrl", "https://"),
        ("instagram", "collaborators", ["@jane doe"]),
        ("twitter", "madeWithAi", "on"),
        ("facebook", "firstComment", 5),
    ],
)
def test_a_setting_of_another_type_or_out_of_range_is_refused(platform: str, name: str, value: Any) -> None:
    (problem, *_) = problems(platform, **{name: value})
    assert problem.field.partition("[")[0] == f"settings.{name}"
    assert problem.code == "VALIDATION_FAILED"


@EVERY
def test_null_is_as_good_as_leaving_a_setting_out(platform: str, name: str) -> None:
    assert problems(platform, **{name: None}) == problems(platform)
    assert CAPABILITIES[platform].settings.model_validate({name: None}) == CAPABILITIES[platform].settings()


def test_an_unknown_setting_is_unknown_also_when_it_is_null() -> None:
    (problem,) = problems("facebook", placemnt=None)
    assert (problem.field, problem.message) == ("settings.placemnt", "Facebook has no setting placemnt")


@EVERY
def test_whatever_is_wrong_with_a_setting_is_said_in_our_own_words(platform: str, name: str) -> None:
    refused = 0
    for value in WRONG:
        for problem in problems(platform, **{name: value}):
            refused += 1
            assert "Input should" not in problem.message
            assert "expected here" not in problem.message, f"there is no sentence for {value!r}"
            assert name in problem.message or CAPABILITIES[platform].name in problem.message
    assert refused >= 5


def test_words_name_the_setting_and_what_it_must_be() -> None:
    told = problems("youtube", tags="one", publishAt="2026", privacyStatus="secret", notifySubscribers="yes")
    assert {problem.field: problem.message for problem in told} == {
        "settings.tags": "YouTube setting tags must be a list",
        "settings.publishAt": "YouTube setting publishAt must be a time such as 2026-01-15T10:30:00Z",
        "settings.privacyStatus": "YouTube setting privacyStatus must be 'private', 'unlisted' or 'public'",
        "settings.notifySubscribers": "YouTube setting notifySubscribers must be true or false",
    }


@EVERY
def test_settings_that_were_kept_can_be_read_again(platform: str, name: str) -> None:
    """What a delivery keeps is what was sent: JSON."""
    model = CAPABILITIES[platform].settings
    for value in WRONG:
        try:
            settings = model.model_validate({name: value})
        except ValidationError:
            continue
        assert model.model_validate(settings.model_dump(mode="json", by_alias=True)) == settings
