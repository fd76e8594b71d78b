"""X: posts and accounts as the API shows them, in the new spelling or the old.

The contract renamed *tweet* to *post* in 2026 while guides and clients kept the old names. Who asks with
`tweet.fields` is answered in the old spelling, everybody else in the new one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from amp.sandbox.accounts import Account
from amp.sandbox.audience import Reactions, followers
from amp.sandbox.ledger import Post
from amp.sandbox.social._twitter_problems import PROBLEMS
from amp.sandbox.words import words

POST_FIELDS = words(
    "article attachments author_id card_uri community_id context_annotations conversation_id created_at "
    "display_text_range edit_controls edit_history_post_ids entities geo id in_reply_to_user_id lang media_metadata "
    "non_public_metrics note_post organic_metrics possibly_sensitive promoted_metrics public_metrics reply_settings "
    "scopes source suggested_source_links text withheld"
)
USER_FIELDS = words(
    "affiliation confirmed_email connection_status created_at description entities id is_identity_verified location "
    "most_recent_post_id name parody pinned_post_id profile_banner_url profile_image_url protected public_metrics "
    "receives_your_dm subscription subscription_type url username verified verified_followers_count verified_type "
    "withheld"
)
_OLD = {
    "repost_count": "retweet_count",
    "post_count": "tweet_count",
    "edit_history_post_ids": "edit_history_tweet_ids",
    "referenced_posts": "referenced_tweets",
    "note_post": "note_tweet",
    "most_recent_post_id": "most_recent_tweet_id",
    "pinned_post_id": "pinned_tweet_id",
}
_NEW = {old: new for new, old in _OLD.items()}
_OWNER_ONLY = ("non_public_metrics", "organic_metrics", "promoted_metrics")
_OWNER_ONLY_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Asked:
    """Which fields, in the new spelling, and which spelling the answer takes."""

    fields: frozenset[str]
    old_spelling: bool

    def spelled(self, shown: Any) -> Any:
        return _respelled(shown) if self.old_spelling else shown


def in_new_spelling(field: str) -> str:
    return _NEW.get(field, field)


def moment(at: datetime) -> str:
    """Times have whole seconds and say so with three zeros."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def show_post(post: Post, earned: Reactions, asked: Asked, viewer: Account, now: datetime) -> dict[str, Any]:
    """The default members and those asked for; what the viewer may not have is left out (see `withheld`)."""
    everything = _members(post, earned)
    wanted = (asked.fields | {"id", "text", "edit_history_post_ids"}) - set(withheld(post, asked, viewer, now))
    return {name: value for name, value in everything.items() if name in wanted and value is not None}


def withheld(post: Post, asked: Asked, viewer: Account, now: datetime) -> list[str]:
    """Private numbers are for the author alone, and for thirty days."""
    if post.account == viewer.remote_id and now - post.created_at <= _OWNER_ONLY_FOR:
        return []
    return [field for field in _OWNER_ONLY if field in asked.fields]


def withheld_error(post: Post, field: str, parameter: str) -> dict[str, Any]:
    return {
        "resource_id": post.remote_id,
        "parameter": parameter,
        "resource_type": "tweet",
        "section": "data",
        "field": field,
        "value": post.remote_id,
        "title": "Field Authorization Error",
        "detail": f"Sorry, you are not authorized to access '{field}' on the Tweet.",
        "type": f"{PROBLEMS}/not-authorized-for-field",
    }


def show_user(account: Account, fields: Collection[str], counts: Mapping[str, int], now: datetime) -> dict[str, Any]:
    """`counts` holds what the sandbox really knows of the account: its posts and media."""
    grown = followers(account.vendor, account.remote_id, account.created_at, now)
    everything: dict[str, Any] = {
        "id": account.remote_id,
        "name": account.name,
        "username": account.handle,
        "created_at": moment(account.created_at),
        "description": "",
        "profile_image_url": "https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png",
        "protected": False,
        "verified": False,
        "verified_type": "none",
        "public_metrics": {
            "followers_count": grown,
            "following_count": 80 + grown // 12,
            "post_count": counts.get("posts", 0),
            "listed_count": grown // 150,
            "like_count": counts.get("posts", 0) * 3,
            "media_count": counts.get("media", 0),
        },
    }
    wanted = {*fields, "id", "name", "username"}
    return {name: value for name, value in everything.items() if name in wanted}


def _members(post: Post, earned: Reactions) -> dict[str, Any]:
    return {
        "id": post.remote_id,
        "text": post.shown_text,
        "edit_history_post_ids": [post.remote_id],
        "author_id": post.account,
        "created_at": moment(post.created_at),
        "conversation_id": post.conversation,
        "attachments": _attachments(post),
        "entities": _entities(post),
        "lang": "en",
        "possibly_sensitive": False,
        "reply_settings": post.extra.get("reply_settings", "everyone"),
        "source": "AMP",
        "public_metrics": {
            "repost_count": earned.reposts,
            "reply_count": earned.replies,
            "like_count": earned.likes,
            "quote_count": earned.quotes,
            "bookmark_count": earned.bookmarks,
            "impression_count": earned.impressions,
        },
        "non_public_metrics": {
            "impression_count": earned.impressions,
            "url_link_clicks": earned.link_clicks,
            "user_profile_clicks": earned.profile_clicks,
            "engagements": earned.engagements,
        },
        "organic_metrics": {
            "impression_count": earned.impressions,
            "repost_count": earned.reposts,
            "reply_count": earned.replies,
            "like_count": earned.likes,
            "url_link_clicks": earned.link_clicks,
            "user_profile_clicks": earned.profile_clicks,
        },
    }


def _attachments(post: Post) -> dict[str, Any] | None:
    return {"media_keys": [media_key(medium) for medium in post.media]} if post.media else None


def media_key(medium: Mapping[str, Any]) -> str:
    prefix = {"tweet_image": 3, "tweet_gif": 16}.get(medium["kind"], 7)
    return f"{prefix}_{medium['id']}"


def _entities(post: Post) -> dict[str, Any] | None:
    urls: list[dict[str, Any]] = []
    for short, original in post.extra.get("links", []):
        start = post.shown_text.find(short)
        expanded = original if "://" in original else f"http://{original}"
        display = original.partition("://")[2] or original
        urls.append(
            {"start": start, "end": start + len(short), "url": short, "expanded_url": expanded, "display_url": display}
        )
    return {"urls": urls} if urls else None


def _respelled(shown: Any) -> Any:
    if isinstance(shown, dict):
        return {_OLD.get(name, name): _respelled(value) for name, value in shown.items()}  # pyright: ignore
    if isinstance(shown, list):
        return [_respelled(value) for value in shown]  # pyright: ignore
    return shown
