"""Which vendors there are, found and never listed: every module of `providers/social` that holds a `PLATFORM`, and
whatever other packages announce under the entry point group `amp.social`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from amp.domain.platforms.port import Capabilities
from amp.domain.publishing.port import Environment, SocialPlatform
from amp.kit.clock import Clock
from amp.kit.errors import Invalid

_PACKAGE = "amp.providers.social"
_ENTRY_POINTS = "amp.social"


@dataclass(frozen=True, repr=False)
class Credentials:
    """What the operator set for the vendors, by the vendors' own names (`TWITTER_CLIENT_ID`). Never printed."""

    values: Mapping[str, str]

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name) or default

    def is_on(self, name: str) -> bool:
        """Whether a switch is set to `true` (or `1`, `yes`, `on`)."""
        return self.get(name).lower() in ("1", "true", "yes", "on")

    def words(self, name: str) -> Sequence[str]:
        """A list, separated by commas or spaces."""
        return self.get(name).replace(",", " ").split()


NO_CREDENTIALS = Credentials({})


@dataclass(frozen=True)
class SocialVendor:
    """Everything there is to know of a platform before it is used."""

    name: str
    capabilities: Capabilities
    live_base_url: str
    build: Callable[[str, Clock, Credentials], SocialPlatform]
    """From a base URL, without a trailing slash, under which all of the vendor's hosts are found."""


@cache
def social_vendors() -> Mapping[str, SocialVendor]:
    """All platforms by name, in alphabetical order. Errors: TypeError when a plug-in announces something else."""
    found = sorted([*_own(), *_announced()], key=lambda vendor: vendor.name)
    return {vendor.name: vendor for vendor in found}


def _own() -> Iterator[SocialVendor]:
    package = import_module(_PACKAGE)
    for module in iter_modules(package.__path__):
        if not module.name.startswith("_"):
            yield _vendor(getattr(import_module(f"{_PACKAGE}.{module.name}"), "PLATFORM", None), module.name)


def _announced() -> Iterator[SocialVendor]:
    for point in entry_points(group=_ENTRY_POINTS):
        yield _vendor(point.load(), point.value)


def _vendor(candidate: object, where: str) -> SocialVendor:
    if not isinstance(candidate, SocialVendor):
        raise TypeError(f"{where} holds no SocialVendor")
    return candidate


class Social:
    """All adapters, each built once per environment: in test mode the same code talks to the sandbox."""

    def __init__(
        self,
        *,
        clock: Clock,
        credentials: Credentials,
        live_urls: Mapping[str, str],
        sandbox_url: str,
        sandbox_credentials: Credentials = NO_CREDENTIALS,
    ) -> None:
        """`live_urls`: by platform, instead of the vendors' own. The sandbox never sees the live credentials."""
        self._clock = clock
        self._credentials: Mapping[Environment, Credentials] = {"live": credentials, "test": sandbox_credentials}
        self._live_urls = live_urls
        self._sandbox_url = sandbox_url.rstrip("/")
        self._built: dict[tuple[str, Environment], SocialPlatform] = {}

    def names(self) -> Sequence[str]:
        return list(social_vendors())

    def capabilities(self, platform: str) -> Capabilities:
        """Errors: Invalid (`unknown_platform`)."""
        return _known(platform).capabilities

    def of(self, platform: str, environment: Environment) -> SocialPlatform:
        """Errors: Invalid (`unknown_platform`)."""
        key = (platform, environment)
        if key not in self._built:
            vendor = _known(platform)
            base_url = self._base_url(vendor, environment)
            self._built[key] = vendor.build(base_url, self._clock, self._credentials[environment])
        return self._built[key]

    def redirect_uri(self, platform: str, environment: Environment) -> str | None:
        return self._credentials[environment].get(f"{platform.upper()}_REDIRECT_URI") or None

    def missing_settings(self, platform: str, environment: Environment) -> Sequence[str]:
        """Of the app that the operator registered with the vendor; of none where there is no consent page."""
        known = self._credentials[environment]
        names = [f"{platform.upper()}_{part}" for part in ("CLIENT_ID", "CLIENT_SECRET")]
        return [name for name in names if self.capabilities(platform).oauth and not known.get(name)]

    async def aclose(self) -> None:
        """Give up all pooled connections."""
        for platform in self._built.values():
            await platform.aclose()
        self._built.clear()

    def _base_url(self, vendor: SocialVendor, environment: Environment) -> str:
        if environment == "test":
            return f"{self._sandbox_url}/{vendor.name}"
        return self._live_urls.get(vendor.name, vendor.live_base_url).rstrip("/")


def _known(platform: str) -> SocialVendor:
    vendor = social_vendors().get(platform)
    if vendor is None:
        known = ", ".join(social_vendors())
        raise Invalid(f"Unknown platform {platform}: known are {known}", code="unknown_platform", param="platforms")
    return vendor
