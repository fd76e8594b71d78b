"""The command line that the reference prints for uploads, word for word but for the address, run by curl itself.

A machine with Python and make need not have curl: there the same forms are sent by `test_posts_upload.py` alone.
"""

import asyncio
import json
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from world import World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here"),
]

EXAMPLE = (
    'curl -X POST https://api.ampost.io/api/posts -H "Cookie: ..." '
    """-F 'data={"text":"Hello","platforms":["instagram"],"platformSetId":"set_uuid"}' -F "files=@photo.jpg" """
)


async def run(command: Sequence[str], directory: Path) -> tuple[int, dict[str, Any]]:
    """The status of the answer, and its document."""
    quiet = [*command, "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}"]
    process = await asyncio.create_subprocess_exec(*quiet, cwd=directory, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    document, _, status = output.decode().rpartition("\n")
    return int(status), json.loads(document)


def told(set_id: str, server: str, *headers: str) -> list[str]:
    """The command with what only the reader knows put in."""
    written = EXAMPLE.replace("https://api.ampost.io", server).replace("set_uuid", set_id)
    words = shlex.split(written.replace('-H "Cookie: ..." ', ""))
    return [*words, *(word for header in headers for word in ("-H", header))]


@pytest.mark.parametrize("by", ["Cookie", "Bearer API key", "Cookie without the CSRF token"])
async def test_the_example_of_the_reference_uploads_a_photo(
    server: str, served: World, person: httpx2.AsyncClient, tmp_path: Path, by: str
) -> None:
    Image.new("RGB", (1080, 1080), "teal").save(tmp_path / "photo.jpg")
    cookie = "; ".join(f"{one.name}={one.value}" for one in person.cookies.jar)
    headers = {
        "Cookie": (f"Cookie: {cookie}", f"X-CSRF-Token: {person.headers['X-CSRF-Token']}"),
        "Bearer API key": (f"Authorization: Bearer {served.tenant.test_key}",),
        "Cookie without the CSRF token": (f"Cookie: {cookie}",),
    }
    sets = (await served.get("/api/v1/platform-sets"))["sets"]
    default = next(one["id"] for one in sets if one["isDefault"])
    status, answer = await run(told(default, server, *headers[by]), tmp_path)
    if "without" in by:
        assert (status, answer["error"]["code"]) == (403, "CSRF_FAILED")
        return
    assert status == 201, answer
    (medium,) = answer["post"]["media"]
    assert (answer["post"]["text"], answer["post"]["platforms"]) == ("Hello", ["instagram"])
    assert (medium["filename"], medium["type"], medium["mimeType"]) == ("photo.jpg", "image", "image/jpeg")
    assert (await person.get(medium["url"])).content == (tmp_path / "photo.jpg").read_bytes()
