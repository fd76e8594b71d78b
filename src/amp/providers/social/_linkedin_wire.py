"""LinkedIn's answers as data. Source: LinkedIn's API documentation on learn.microsoft.com and public clients."""

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from amp.providers.social._calling import Refusal


class UploadTarget(BaseModel):
    class _Value(BaseModel):
        upload_url: str = Field(alias="uploadUrl")
        image: str

    value: _Value


class VideoTarget(BaseModel):
    class _Value(BaseModel):
        class _Part(BaseModel):
            upload_url: str = Field(alias="uploadUrl")
            first_byte: int = Field(alias="firstByte")
            last_byte: int = Field(alias="lastByte")

        video: str
        upload_token: str = Field(default="", alias="uploadToken")
        expires_at: int = Field(alias="uploadUrlsExpireAt")
        """Milliseconds since 1970."""
        instructions: list[_Part] = Field(alias="uploadInstructions")

    value: _Value


class VideoState(BaseModel):
    status: str
    failure_reason: str | None = Field(default=None, alias="processingFailureReason")


class UserInfo(BaseModel):
    """Of OpenID Connect. LinkedIn's `locale` is a text or a pair."""

    class _Locale(BaseModel):
        country: str = ""
        language: str = ""

    sub: str
    name: str = ""
    given_name: str | None = None
    family_name: str | None = None
    picture: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    locale: str | _Locale | None = None

    def details(self) -> dict[str, str | bool | None]:
        locale = self.locale
        return {
            "sub": self.sub,
            "name": self.name,
            "givenName": self.given_name,
            "familyName": self.family_name,
            "email": self.email,
            "emailVerified": self.email_verified,
            "locale": locale if locale is None or isinstance(locale, str) else f"{locale.language}_{locale.country}",
        }


class Counts(BaseModel):
    class _Element(BaseModel):
        count: int = 0

    elements: list[_Element] = []


class _Error(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    code: str = ""
    service_error_code: str = Field(default="", alias="serviceErrorCode")
    message: str = ""


def refusal(response: httpx2.Response) -> Refusal:
    """Whatever LinkedIn said against a request; some say it only by the status."""
    try:
        error = _Error.model_validate_json(response.content)
    except ValueError:
        return Refusal(response.status_code, frozenset(), response.reason_phrase, readable=False)
    codes = frozenset({error.code, error.service_error_code} - {""})
    return Refusal(response.status_code, codes, error.message or error.code)
