"""Which network addresses may be reached in the name of somebody we do not know.

`is_global` of the standard library is not enough: it calls NAT64, 6to4 and multicast addresses global, behind
which any private address can stand (IANA's special-purpose address registries, RFC 6890).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_NEVER_V4 = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, a cloud's metadata among them
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("168.63.129.16/32"),  # a cloud's metadata under a public address
)
_UNICAST_V6 = IPv6Network("2000::/3")
_NEVER_V6 = (
    IPv6Network("2001::/23"),  # Teredo, ORCHID, benchmarks
    IPv6Network("2001:db8::/32"),  # documents
    IPv6Network("2002::/16"),  # 6to4 carries an IPv4 address
    IPv6Network("3fff::/20"),  # documents
)
_PRIVATE = tuple(
    ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1", "fc00::/7")
)
_METADATA = frozenset((IPv4Address("100.100.100.200"), IPv6Address("fd00:ec2::254")))
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether a numeric address is one that anybody on the internet reaches."""
    ip = ip_address(address)
    return _public_v4(ip) if isinstance(ip, IPv4Address) else _public_v6(ip)


def is_private(address: str) -> bool:
    """Whether it is an ordinary host of a private network or this machine: reachable where an operator says
    so. Link-local addresses and others where clouds keep their metadata never are."""
    ip = ip_address(address)
    return ip not in _METADATA and any(ip in network for network in _PRIVATE)


def _public_v4(ip: IPv4Address) -> bool:
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not any(ip in net for net in _NEVER_V4)


def _public_v6(ip: IPv6Address) -> bool:
    """An address of a NAT64 is as public as the IPv4 address in its last 32 bits (RFC 6052)."""
    if ip in _NAT64:
        return _public_v4(IPv4Address(int(ip) & 0xFFFFFFFF))
    return ip in _UNICAST_V6 and ip.is_global and not any(ip in net for net in _NEVER_V6)
