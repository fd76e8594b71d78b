"""A file is what its content is, whatever its name or sender says."""

import io
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from amp.domain.media.examining import Examiner
from amp.domain.media.probing import Probed, probe
from amp.kit.errors import Invalid
from films import film


def picture(form: str, width: int = 64, height: int = 48, **options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(file, form, **options)  # type: ignore[arg-type]
    return file.getvalue()


def animation(form: str) -> bytes:
    frames = [Image.new("RGB", (32, 16), color) for color in ("red", "green", "blue")]
    file = io.BytesIO()
    frames[0].save(file, form, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def on_its_side() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture("JPEG", exif=exif)


def two_pictures() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of some hundred bytes that says it has 2.5 thousand million pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("made", "mime_type", "width", "height", "seconds"),
    [
        (lambda: picture("JPEG"), "image/jpeg", 64, 48, None),
        (lambda: picture("JPEG", progressive=True), "image/jpeg", 64, 48, None),
        (on_its_side, "image/jpeg", 48, 64, None),
        (two_pictures, "image/jpeg", 64, 48, None),
        (lambda: picture("PNG"), "image/png", 64, 48, None),
        (lambda: picture("WEBP"), "image/webp", 64, 48, None),
        (lambda: picture("WEBP", lossless=True), "image/webp", 64, 48, None),
        (lambda: animation("GIF"), "image/gif", 32, 16, None),
        (film, "video/mp4", 1080, 1920, 12.0),
        (lambda: film(header_first=True, seconds=0.5), "video/mp4", 1080, 1920, 0.5),
        (lambda: film(1920, 1080, rotated=True), "video/mp4", 1080, 1920, 12.0),
        (lambda: film(brand=b"qt  "), "video/quicktime", 1080, 1920, 12.0),
    ],
)
def test_the_types_we_know(
    made: Callable[[], bytes], mime_type: str, width: int, height: int, seconds: float | None
) -> None:
    content = made()
    assert probe(io.BytesIO(content)) == Probed(mime_type, len(content), width, height, seconds)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"\0" * 5000, id="zeros"),
        pytest.param(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>', id="SVG"),
        pytest.param(b"<!doctype html><script>alert(1)</script>", id="HTML"),
        pytest.param(b"%PDF-1.7\n" + b"\0" * 64, id="PDF"),
        pytest.param(b"PK\3\4" + b"\0" * 100, id="ZIP"),
        pytest.param(picture("BMP"), id="BMP"),
        pytest.param(picture("TIFF"), id="TIFF"),
        pytest.param(b"\0\0\0\x18ftypheic" + b"\0" * 500, id="HEIC"),
        pytest.param(b"\0\0\0\x18ftypisom" + b"\0" * 500, id="a film's first box alone"),
        pytest.param(animation("WEBP"), id="animated WebP"),
        pytest.param(animation("PNG"), id="animated PNG"),
        pytest.param(bomb(), id="a picture that unpacks to gigabytes"),
        *(pytest.param(picture(form)[:-400], id=f"{form} cut short") for form in ("JPEG", "PNG", "WEBP")),
        pytest.param(picture("PNG")[:-12], id="PNG without its end mark"),
        *(pytest.param(picture(form)[:30], id=f"{form} of 30 bytes") for form in ("JPEG", "PNG", "WEBP", "GIF")),
        pytest.param(film()[:-50], id="a film without the end of its header"),
        pytest.param(film()[:2000], id="a film without header"),
        pytest.param(film(header_first=True)[:-1], id="a film without its last byte"),
    ],
)
def test_everything_else_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        probe(io.BytesIO(content))
    assert refused.value.code == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.anyio
async def test_a_program_of_its_own_finds_the_same() -> None:
    examiner = Examiner()
    with tempfile.TemporaryFile() as file:
        file.write(film())
        file.flush()
        assert await examiner.examine(file) == probe(io.BytesIO(film()))
    with tempfile.TemporaryFile() as file, pytest.raises(Invalid, match="empty"):
        await examiner.examine(file)


def test_no_server_loads_a_decoder_or_a_client_of_buckets() -> None:
    code = "import sys, amp.app; print([name for name in ('PIL', 'pymediainfo', 'obstore') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_large_picture_is_read_in_bounds() -> None:
    content = io.BytesIO()
    Image.new("L", (9000, 9000)).save(content, "JPEG")
    assert probe(content).width == 9000
