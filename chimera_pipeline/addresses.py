"""IP addresses that nobody is sent to, however they are written: link-local, metadata services, multicast.

The rule for every peer that is named in the configuration: model servers and bucket endpoints. Who else may be asked
is the caller's matter.
"""

from __future__ import annotations

import ipaddress

_NEVER = (
    ipaddress.ip_network("169.254.0.0/16"),
    ipaddress.ip_network("fe80::/10"),
    ipaddress.ip_network("fd00:ec2::254/128"),
    ipaddress.ip_network("100.100.100.200/32"),
    ipaddress.ip_network("168.63.129.16/32"),
    ipaddress.ip_network("192.0.0.192/32"),
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


def forbidden(address: str) -> bool:
    """Whether it is link-local, of a metadata service, multicast or none at all. Raises ValueError: no address."""
    ip = _leads_to(address)
    return any(ip.version == net.version and ip in net for net in _NEVER) or ip.is_multicast or ip.is_unspecified


def loopback(address: str) -> bool:
    """Whether it is this machine. Raises ValueError: no address."""
    return _leads_to(address).is_loopback


def _leads_to(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 address leads to (mapped, 6to4, NAT64, compatible), else the address itself."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 0xFFFF):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
