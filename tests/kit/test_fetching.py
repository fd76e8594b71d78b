"""A stranger's URL leads to public addresses, in bounds, or nowhere."""

import asyncio
import gzip
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from amp.kit.addresses import is_private, is_public
from amp.kit.errors import AmpError, Invalid, NotFound, TooLarge, Unavailable
from amp.kit.fetching import Fetcher
from sites import Names, Site, plain, redirect, site

pytestmark = pytest.mark.anyio

PUBLIC = "93.184.215.14"


async def body(fetcher: Fetcher, url: str, *, max_bytes: int = 1_000_000, seconds: float = 5) -> bytes:
    async with fetcher.fetch(url, max_bytes=max_bytes, seconds=seconds) as fetched:
        return b"".join([chunk async for chunk in fetched.chunks()])


async def refusal(fetcher: Fetcher, url: str, **bounds: float) -> AmpError:
    with pytest.raises(AmpError) as refused:
        await body(fetcher, url, **bounds)  # type: ignore[arg-type]
    return refused.value


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "64:ff9b::5db8:d70e"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "169.254.169.254", "172.16.0.1"),
        *("192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
        *("168.63.129.16", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:93.184.215.14", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254"),
        *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "100.100.100.200", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254"),
        *("64:ff9b::7f00:1", "224.0.0.1", "0.0.0.0", "::"),
    ],
)
def test_metadata_and_groups_stay_closed_where_private_urls_are_allowed(address: str) -> None:
    assert not is_private(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "100.64.0.1", "192.168.0.1", "::1", "fd12::1"])
def test_hosts_of_a_private_network(address: str) -> None:
    assert is_private(address)
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "[::1]"),
        *("[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "①②⑦.⓪.⓪.①", "169.254.169.254", "[fe80::1]"),
    ],
)
async def test_no_spelling_of_a_private_address_is_fetched(host: str) -> None:
    refused = await refusal(Fetcher(), f"http://{host}/")
    assert isinstance(refused, Invalid)
    assert refused.code == "VALIDATION_FAILED"


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.com/x", "file:///etc/passwd", "//example.com/x", "http:///x", "", "data:image/png;base64,x"),
        *("http://user:secret@example.com/", "https://user@example.com/", "http://example.com:0/"),
        *("http://example.com:22/", "http://example.com:8080/", "https://example.com:80/", "http://example.com:99999/"),
        "http://example.com/" + "x" * 5000,
    ],
)
async def test_only_plain_web_addresses_are_fetched(url: str) -> None:
    names = Names({"example.com": [[PUBLIC]]})
    refused = await refusal(Fetcher(resolve=names), url)
    assert isinstance(refused, Invalid)
    assert "secret" not in refused.message
    assert names.asked == []


CLOSED = (
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0", "127.0.0.1.", "10.0.0.1", "169.254.169.254", "100.64.0.1"),
    *("localhost", "LOCALHOST.", "media.localhost", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[fe80::1]"),
    *("[fe80::1%25eth0]", "[fc00::1]", "①②⑦.⓪.⓪.①", "0177.0.0.1", "%31%32%37.0.0.1"),
)


@pytest.mark.parametrize("host", CLOSED)
def test_a_written_address_is_judged_without_asking_anybody(host: str) -> None:
    names = Names({})
    with pytest.raises(Invalid):
        Fetcher(resolve=names).check(f"http://{host}/a")
    assert names.asked == []


@pytest.mark.parametrize("host", [PUBLIC, "[2606:4700::1111]", "media.test", "intranet", "127.0.0.1.nip.test"])
def test_a_name_is_judged_when_it_is_resolved_and_no_sooner(host: str) -> None:
    names = Names({})
    Fetcher(resolve=names).check(f"https://{host}/a")
    assert names.asked == []


def test_what_is_open_to_fetching_is_open_before_it() -> None:
    Fetcher(allow=("http://127.0.0.1:8080",)).check("http://127.0.0.1:8080/media/x")
    Fetcher(private=True).check("http://127.0.0.1:9000/a")
    for closed in (Fetcher(allow=("http://127.0.0.1:8080",)), Fetcher(private=True)):
        with pytest.raises(Invalid):
            closed.check("http://169.254.169.254:8080/latest/meta-data/")
    with pytest.raises(Invalid):
        Fetcher(allow=("http://127.0.0.1:8080",)).check("http://127.0.0.1:8081/media/x")


@given(
    st.sampled_from(["http://", "https://", "", "ftp:"]),
    st.text(max_size=20) | st.text(alphabet="0123456789.:[]%xXabcdef/@#?\\-_ ①。", max_size=20),
)
def test_whatever_is_written_is_judged_and_nothing_else_happens(scheme: str, rest: str) -> None:
    with suppress(Invalid):
        Fetcher().check(scheme + rest)
        Fetcher().reads_from(scheme + rest)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1", PUBLIC]])
async def test_a_name_with_one_private_address_is_refused(addresses: Sequence[str]) -> None:
    refused = await refusal(Fetcher(resolve=Names({"evil.test": [addresses]})), "http://evil.test/")
    assert refused.message == "evil.test is not a public address"


async def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_checked(ours: Site) -> None:
    ours.answers["/a"] = plain(b"here")
    names = Names({"media.test": [["127.0.0.1"], ["10.255.255.1"]]})
    fetcher = Fetcher(allow=(ours.url("", "media.test"),), resolve=names)
    assert await body(fetcher, ours.url("/a", "media.test")) == b"here"
    assert names.asked == ["media.test"]
    assert f"Host: media.test:{ours.port}\r\n" in ours.asked[0]


async def test_our_own_origin_may_be_private_but_not_its_neighbours(ours: Site) -> None:
    ours.answers["/a"] = plain(b"here", content_type="Image/PNG; charset=x")
    fetcher = Fetcher(allow=(ours.origin,))
    async with fetcher.fetch(ours.url("/a"), max_bytes=4) as fetched:
        assert (fetched.mime_type, fetched.size) == ("image/png", 4)
        assert [chunk async for chunk in fetched.chunks()] == [b"here"]
    assert isinstance(await refusal(fetcher, f"http://127.0.0.1:{ours.port + 1}/a"), Invalid)
    assert isinstance(await refusal(fetcher, f"https://127.0.0.1:{ours.port}/a"), Invalid)
    assert isinstance(await refusal(fetcher, ours.url("/a", "localhost")), Invalid)


async def test_operators_may_open_their_private_network(ours: Site) -> None:
    ours.answers["/a"] = plain(b"here")
    assert await body(Fetcher(private=True), ours.url("/a")) == b"here"
    assert isinstance(await refusal(Fetcher(private=True), "http://169.254.169.254/latest/meta-data/"), Invalid)


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:9/x", "http://169.254.169.254/x", "file:///etc/passwd", "//10.0.0.1/x"]
)
async def test_a_redirect_is_judged_like_any_url(ours: Site, target: str) -> None:
    ours.answers["/a"] = redirect(target)
    assert isinstance(await refusal(Fetcher(allow=(ours.origin,)), ours.url("/a")), Invalid)


async def test_a_stranger_cannot_redirect_to_our_own_server(ours: Site) -> None:
    async with site() as stranger:
        stranger.answers["/a"] = redirect(ours.url("/secret"))
        ours.answers["/secret"] = plain(b"secret")
        names = Names({"stranger.test": [["127.0.0.1"]], "127.0.0.1": [["127.0.0.1"]]})
        fetcher = Fetcher(allow=(ours.origin, stranger.url("", "stranger.test")), resolve=names)
        assert await body(fetcher, ours.url("/secret")) == b"secret"
        refused = await refusal(fetcher, stranger.url("/a", "stranger.test"))
    assert isinstance(refused, Invalid)
    assert len(ours.asked) == 1


async def test_redirects_are_followed_four_times(ours: Site) -> None:
    fetcher = Fetcher(allow=(ours.origin,))
    ours.answers = {f"/{n}": redirect(f"{n + 1}") for n in range(6)} | {"/4": plain(b"end")}
    assert await body(fetcher, ours.url("/0")) == b"end"
    ours.answers["/4"] = redirect("/5")
    assert "redirects" in (await refusal(fetcher, ours.url("/0"))).message


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *(("404 Not Found", NotFound), ("410 Gone", NotFound), ("403 Forbidden", Invalid), ("304 Unmodified", Invalid)),
        *(("206 Partial", Invalid), ("429 Slow", Unavailable), ("503 Down", Unavailable)),
    ],
)
async def test_a_refusal_says_whether_to_come_back(ours: Site, status: str, error: type[AmpError]) -> None:
    ours.answers["/a"] = plain(b"", status=status)
    assert type(await refusal(Fetcher(allow=(ours.origin,)), ours.url("/a"))) is error


async def test_a_declared_size_past_the_bound_is_refused_before_the_body(ours: Site) -> None:
    ours.answers["/a"] = plain(b"", content_length="1001")
    assert isinstance(await refusal(Fetcher(allow=(ours.origin,)), ours.url("/a"), max_bytes=1000), TooLarge)


async def test_an_endless_body_ends_at_the_bound(ours: Site) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    ours.answers["/a"] = endless
    assert isinstance(await refusal(Fetcher(allow=(ours.origin,)), ours.url("/a"), max_bytes=300_000), TooLarge)


async def test_a_body_that_drips_ends_in_time(ours: Site) -> None:
    async def dripping(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    ours.answers["/a"] = dripping
    refused = await refusal(Fetcher(allow=(ours.origin,)), ours.url("/a"), seconds=0.2)
    assert isinstance(refused, Unavailable)
    assert "longer than 0.2 s" in refused.message


async def test_a_body_cut_short_is_no_body(ours: Site) -> None:
    ours.answers["/a"] = plain(b"half", content_length="8")
    assert isinstance(await refusal(Fetcher(allow=(ours.origin,)), ours.url("/a")), Unavailable)


async def test_nothing_is_decompressed(ours: Site) -> None:
    ours.answers["/a"] = plain(gzip.compress(b"\0" * 1_000_000), content_encoding="gzip")
    assert isinstance(await refusal(Fetcher(allow=(ours.origin,)), ours.url("/a")), Invalid)
    assert "Accept-Encoding: identity\r\n" in ours.asked[0]


async def test_what_cannot_be_reached_is_said_in_a_sentence_and_may_be_tried_again(ours: Site) -> None:
    async def silent(writer: asyncio.StreamWriter) -> None: ...

    async with site() as closed:
        pass
    ours.answers = {"/silent": silent, "/odd": plain(b"", status="-"), "/cut": plain(b"half", content_length="8")}
    for url, sentence in (
        ("http://nowhere.test/", "nowhere.test could not be found: no address belongs to this name"),
        (closed.url("/a"), "127.0.0.1 could not be reached"),
        (ours.url("/silent"), "127.0.0.1 does not answer as a web server does"),
        (ours.url("/odd"), "127.0.0.1 does not answer as a web server does"),
        (ours.url("/cut"), "The connection broke before everything had come"),
    ):
        refused = await refusal(Fetcher(allow=(closed.origin, ours.origin), resolve=_numbers), url)
        assert (type(refused), refused.message) == (Unavailable, sentence)


async def _numbers(host: str, _port: int) -> Sequence[str]:
    if host != "127.0.0.1":
        raise OSError("no such name")
    return [host]


async def test_proxies_of_the_environment_are_not_asked(ours: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    ours.answers["/a"] = plain(b"direct")
    assert await body(Fetcher(allow=(ours.origin,)), ours.url("/a")) == b"direct"


async def test_tls_verifies_the_name_though_the_address_is_pinned(tmp_path: Path) -> None:
    trusting = certificate_for("media.test", tmp_path)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    async with site(ssl=serving) as served:
        served.answers["/a"] = plain(b"sealed")
        names = Names({"media.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]})
        urls = [f"https://{name}:{served.port}" for name in names.answers]
        fetcher = Fetcher(allow=urls, resolve=names, tls=trusting)
        assert await body(fetcher, f"{urls[0]}/a") == b"sealed"
        assert isinstance(await refusal(fetcher, f"{urls[1]}/a"), Unavailable)


def certificate_for(name: str, directory: Path) -> ssl.SSLContext:
    """A certificate in `directory`, and a client's context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "cert.pem").write_bytes(pem)
    (directory / "key.pem").write_bytes(private)
    return ssl.create_default_context(cadata=pem.decode())
