"""Threads' own ways: emoji that count their bytes, few links, and the forms of containers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from courier import Notebook, Owner, account_at, attempt, deliver, sample
from files import File
from pydantic import SecretStr

from amp.domain.platforms.port import Draft, Medium
from amp.domain.platforms.validation import validate
from amp.domain.publishing.port import Account, Delivery, Done, Part, SocialPlatform
from amp.kit.errors import ProviderFailed, Retry, Unknown
from amp.providers.discovery import Social
from amp.providers.social._graph import MEDIA_FAILED, MEDIA_REFUSED
from amp.providers.social._threads_post import ThreadsSettings, children, parent
from amp.providers.social._threads_wire import ContainerStatus
from amp.providers.social.threads import CAPABILITIES

pytestmark = pytest.mark.anyio

JPEG, MP4 = Medium("image/jpeg", width=1080, height=1080), Medium("video/mp4", seconds=300)
LINKS = " ".join(f"https://acme.com/{number}" for number in range(5))


@pytest.fixture
def threads(social: Social) -> SocialPlatform:
    return social.of("threads", "test")


@pytest.fixture
def account(owner: Owner, threads: SocialPlatform) -> Account:
    return account_at(owner, threads)


@pytest.mark.parametrize(
    "fine",
    [
        Draft(("x" * 500,)),
        Draft(("字" * 500,)),
        Draft(("\N{ROCKET}" * 125,)),
        Draft(("x" * 500,), link="https://acme.com/" + "y" * 300),
        Draft((LINKS,)),
        Draft((f"{LINKS} https://acme.com/1",)),
        Draft((LINKS, LINKS.replace("acme", "ecma"))),
        Draft(("Look",), media=(JPEG, MP4) * 10),
        Draft(("Hi",), settings={"replyControl": "followers_only", "topicTag": "Dev tools"}),
    ],
)
def test_what_threads_takes_has_no_problems(fine: Draft):
    assert validate(fine, CAPABILITIES) == ()


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        (Draft(("x" * 501,)), "text", "CONTENT_TOO_LONG"),
        (Draft(("\N{ROCKET}" * 126,)), "text", "CONTENT_TOO_LONG"),
        (Draft(("Hi", "x" * 501)), "parts[1].text", "CONTENT_TOO_LONG"),
        (Draft((LINKS,), link="https://acme.io"), "text", "VALIDATION_FAILED"),
        (Draft(("Hi", f"{LINKS} https://acme.io")), "parts[1].text", "VALIDATION_FAILED"),
        (Draft(("Look",), media=(JPEG, MP4) * 10 + (MP4,)), "media", "UNSUPPORTED_MEDIA_CONFIG"),
        (Draft(("Look",), media=(Medium("image/webp"),)), "media[0].mimeType", "UNSUPPORTED_MEDIA_TYPE"),
        (
            Draft(("Look",), media=(Medium("image/png", width=1001, height=100),)),
            "media[0].width",
            "UNSUPPORTED_MEDIA_CONFIG",
        ),
        (
            Draft(("Look",), media=(Medium("video/mp4", seconds=301),)),
            "media[0].durationSeconds",
            "UNSUPPORTED_MEDIA_CONFIG",
        ),
        (Draft(("Hi",), settings={"replyControl": "nobody"}), "settings.replyControl", "VALIDATION_FAILED"),
        (Draft(("Hi",), settings={"topicTag": "node.js"}), "settings.topicTag", "VALIDATION_FAILED"),
        (Draft(("Hi",), settings={"topicTag": ""}), "settings.topicTag", "VALIDATION_FAILED"),
        (Draft(("Hi",), settings={"topicTag": "x" * 51}), "settings.topicTag", "VALIDATION_FAILED"),
    ],
)
def test_each_breach_is_named_with_its_field_and_code(wrong: Draft, field: str, code: str):
    assert [(problem.field, problem.code) for problem in validate(wrong, CAPABILITIES)] == [(field, code)]


NOBODY = Account("con", "1", "acme", SecretStr("x"), None, frozenset())
PICTURE = File("m1", "A cat", "square.png", "http://us")
FILM = File("m2", None, "tall.mp4", "http://us")
IMAGE = {"media_type": "IMAGE", "image_url": "http://us/files/square.png", "alt_text": "A cat"}
VIDEO = {"media_type": "VIDEO", "video_url": "http://us/files/tall.mp4"}
LINK = "https://acme.com/launch"


@pytest.mark.parametrize(
    ("media", "link", "settings", "items", "form"),
    [
        ((), None, {}, [], {"media_type": "TEXT", "text": "Look"}),
        ((), LINK, {}, [], {"media_type": "TEXT", "text": "Look", "link_attachment": LINK}),
        (
            (),
            None,
            {"replyControl": "mentioned_only", "topicTag": "News"},
            [],
            {"media_type": "TEXT", "text": "Look", "reply_control": "mentioned_only", "topic_tag": "News"},
        ),
        ((PICTURE,), None, {}, [], {**IMAGE, "text": "Look"}),
        ((FILM,), LINK, {}, [], {**VIDEO, "text": f"Look\n\n{LINK}"}),
        (
            (PICTURE, FILM),
            None,
            {},
            [{"is_carousel_item": "true", **IMAGE}, {"is_carousel_item": "true", **VIDEO}],
            {"media_type": "CAROUSEL", "children": "c1,c2", "text": "Look"},
        ),
    ],
    ids=["text", "link", "settings", "image", "video", "carousel"],
)
def test_containers_are_made_as_threads_documents_them(
    media: tuple[File, ...], link: str | None, settings: Mapping[str, Any], items: object, form: object
):
    own = ThreadsSettings.model_validate(settings)
    delivery = Delivery("pp", NOBODY, (Part("Look", media), Part("Two")), link, own, datetime.now(UTC))
    assert children(delivery.parts[0]) == items
    assert parent(delivery, 0, ["c1", "c2"] if items else [], None) == form
    assert parent(delivery, 1, [], "17") == {"media_type": "TEXT", "text": "Two", "reply_to_id": "17"}


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("FAILED_DOWNLOADING_VIDEO", Retry()),
        ("UNKNOWN", Retry()),
        (None, Retry()),
        ("FAILED_PROCESSING_AUDIO", MEDIA_FAILED),
        ("FAILED_PROCESSING_VIDEO", MEDIA_FAILED),
        ("INVALID_ASPEC_RATIO", MEDIA_REFUSED),
        ("INVALID_BIT_RATE", MEDIA_REFUSED),
        ("INVALID_DURATION", MEDIA_REFUSED),
        ("INVALID_FRAME_RATE", MEDIA_REFUSED),
        ("INVALID_AUDIO_CHANNELS", MEDIA_REFUSED),
        ("INVALID_AUDIO_CHANNEL_LAYOUT", MEDIA_REFUSED),
    ],
)
def test_what_threads_could_not_make_has_its_remedy(message: str | None, remedy: object):
    seen = ContainerStatus(status="ERROR", error_message=message).seen
    assert (seen.status, seen.remedy) == ("ERROR", remedy)
    assert ContainerStatus(status="FINISHED", error_message=message).seen.remedy is None


async def test_settings_and_topics_are_taken(owner: Owner, threads: SocialPlatform, account: Account):
    own = ThreadsSettings(reply_control="accounts_you_follow", topic_tag="Dev tools")
    delivery = Delivery("pp", account, (Part("One"), Part("Two")), None, own, owner.sandbox.clock.now())
    await deliver(threads, delivery, Notebook(owner.sandbox.clock))
    assert [entry["text"] for entry in await owner.ledger("threads")] == ["One", "Two"]


async def test_what_a_container_says_is_public_is_never_published_again(
    owner: Owner, threads: SocialPlatform, account: Account
):
    """Not even as the second part of a chain, which is listed among the replies."""
    delivery = sample("thread", threads, account, owner.sandbox.clock.now())
    containers: list[str] = []

    async def remember(_step: str) -> None:
        containers.append(book.state["container"])

    book = Notebook(owner.sandbox.clock, before=remember)
    await deliver(threads, delivery, book)
    posted = book.state["parts"]
    for index, container in enumerate(containers):
        forgetful = Notebook(owner.sandbox.clock, state={"parts": posted[:index], "container": container})
        with pytest.raises(ProviderFailed) as public:
            await attempt(threads, delivery, forgetful)
        assert public.value.remedy == Unknown()
        assert isinstance(await threads.find(delivery, forgetful), Done)
        assert forgetful.state["parts"] == posted[: index + 1]
    assert len(await owner.ledger("threads")) == 3
