"""Instagram: the errors of publishing, where the subcode is what counts ("Error Codes", Instagram Platform)."""

from amp.sandbox.social._meta_errors import failure
from amp.sandbox.vendor import Refused

_ERRORS: dict[int, tuple[int, str]] = {
    2207004: (36000, "The image is too large to download. It should be less than 8 MiB."),
    2207005: (36001, "The image format is not supported. Supported formats are: JPEG."),
    2207006: (24, "The media with the given id cannot be found."),
    2207009: (36003, "The submitted image with aspect ratio cannot be published. It must be from 4:5 to 1.91:1."),
    2207010: (36004, "The submitted caption is too long."),
    2207020: (-2, "The media you are trying to access has expired. Please try to upload again."),
    2207023: (100, "The media type is unknown."),
    2207026: (352, "Unsupported video format. Please check the video specifications and upload again."),
    2207027: (9007, "The media is not ready for publishing, please wait for a moment."),
    2207028: (100, "A carousel has 2 to 10 items that are published in no other way."),
    2207040: (100, "Cannot use more than 30 hashtags and 20 mentions in a caption."),
    2207042: (
        9,
        "You reached the maximum number of posts that is allowed to be published by the Content Publishing API.",
    ),
    2207050: (25, "The Instagram account is restricted. Please open the Instagram app and follow what it says."),
    2207051: (4, "We restrict certain activity to protect our community."),
    2207052: (9004, "The media could not be fetched from this URI."),
    2207057: (1, "The thumbnail offset must be between 0 and the duration of the video."),
}
_TITLES = {
    9004: "Media download has failed. The media URI doesn't meet our requirements.",
    9007: "The media is not ready",
    352: "Video format is not supported",
}


def publishing_error(subcode: int, detail: str = "") -> Refused:
    code, text = _ERRORS[subcode]
    message = "Only photo or video can be accepted as media type." if code == 9004 else f"(#{code}) {text}"
    return failure(code, message, subcode, title=_TITLES.get(code, "Cannot publish"), text=f"{text}{detail}")


def already_posted() -> Refused:
    """Instagram has no rule against saying a thing twice; this is what an order makes it say."""
    return failure(100, "(#100) This content has already been posted", 1404082)
