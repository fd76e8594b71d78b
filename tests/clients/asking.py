"""What the clients' scripts ask of the sandbox beside its vendors: accounts, faults, files."""

import json
import os
import urllib.request
from typing import Any
from uuid import uuid4

SANDBOX = os.environ["SANDBOX"]
_OWNER = {"Authorization": f"Bearer owner-{uuid4().hex}"}


def _control(path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(f"{SANDBOX}/{path}", json.dumps(body).encode(), _OWNER)
    return json.load(urllib.request.urlopen(request))


def account(vendor: str, **about: Any) -> dict[str, Any]:
    return _control("_accounts", {"vendor": vendor, "handle": "acme", **about})


def order(vendor: str, fault: str) -> None:
    """This fault, at the next request that it can hit."""
    _control("_faults", {"vendor": vendor, "fault": fault, "count": 1})


def file(name: str) -> bytes:
    """A picture or a film that is what it claims to be."""
    return urllib.request.urlopen(f"{SANDBOX}/files/{name}").read()
