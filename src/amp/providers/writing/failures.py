"""What to do when a vendor does not write: its error as one of our remedies.

Waits are the vendor's own seconds, which are real ones: they are carried as `Retry(after)` and not as a moment.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from amp.kit.errors import ProviderFailed, RateLimited, Rejected, Remedy, Retry

if TYPE_CHECKING:
    from pydantic_ai.exceptions import ModelAPIError

_LONGEST_MESSAGE = 300


def as_our_own(error: Exception, *, vendor: str, repaired: bool) -> ProviderFailed:
    """`repaired`: all repairs were used up, so that asking once more is no use."""
    message = f"{vendor}: {error}"[:_LONGEST_MESSAGE]
    status = getattr(error, "status_code", None)
    return ProviderFailed(message, remedy=_remedy(error, repaired=repaired), status=status)


def _remedy(error: Exception, *, repaired: bool) -> Remedy:
    from pydantic_ai.exceptions import ContentFilterError, ModelAPIError, OutputTokenLimitExceeded

    match error:
        case ModelAPIError():
            return _refused(error)
        case ContentFilterError():
            return Rejected("WRITER_WILL_NOT_WRITE")
        case OutputTokenLimitExceeded():
            return Rejected("WRITER_ANSWER_TOO_LONG")
        case _:
            return Rejected("WRITER_ANSWER_UNUSABLE") if repaired else Retry()


def _refused(error: "ModelAPIError") -> Remedy:
    from pydantic_ai.exceptions import (
        ModelAuthenticationError,
        ModelNotFoundError,
        ModelQuotaExceededError,
        ModelRateLimitError,
        ModelRequestRejectedError,
    )

    wait = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
    match error:
        case ModelAuthenticationError():
            return Rejected("WRITER_REFUSED")
        case ModelQuotaExceededError():
            return Rejected("WRITER_OUT_OF_CREDIT")
        case ModelNotFoundError():
            return Rejected("WRITER_MODEL_NOT_FOUND")
        case ModelRequestRejectedError():
            return Rejected("WRITER_REJECTED")
        case ModelRateLimitError() if wait is None:
            return RateLimited(None, scope="vendor")
        case _:
            return Retry(after=wait)
