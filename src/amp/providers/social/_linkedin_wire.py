"""LinkedIn's answers as data. Source: LinkedIn's API documentation on learn.microsoft.com and public clients."""

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from amp.providers.social._calling import Refusal


class UploadTarget(BaseModel):
    class _Value(BaseModel):
        upload_url: str = Field(alias="uploadUrl")
        image: str

    value: _Value


class UserInfo(BaseModel):
    sub: str
    name: str = ""
    picture: str | None = None


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
