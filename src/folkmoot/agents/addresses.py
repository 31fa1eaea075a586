"""Where a language-model server may live: checked by name, and again by what the name resolves to.

1. Only http and https, no user or password, query or fragment in the address.
2. Cloud metadata services, link-local, multicast and unspecified addresses are never called,
   in whatever notation (decimal, hexadecimal, IPv4 inside IPv6) they are written.
3. Loopback is called only where the user wrote it; a name of elsewhere that resolves to it is
   refused.
4. The connection goes to the very address that was checked, so a name cannot change its mind.
"""

import asyncio
import ipaddress
import socket
import threading
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from folkmoot.core.errors import Unreachable, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

ALLOWED = "http://HOST[:PORT]/v1 or https://..., without user, password, query or fragment"

_METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.com",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked base address: scheme, host as written, port, path without a trailing slash."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header wants them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == standard else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the user wrote this machine's own address."""
        literal = _literal(self.host)
        if literal is None:
            return self.host == "localhost" or self.host.endswith(".localhost")
        return literal.is_loopback


def endpoint(url: str) -> Endpoint:
    """Check a base address without asking any server, or raise `UsageError`."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise UsageError(f"not an address: {error}", where="llm url", allowed=ALLOWED) from None
    reason = _fault(parts)
    if reason:
        raise UsageError(f"this address is refused: {reason}", where="llm url", allowed=ALLOWED)
    host = (parts.hostname or "").rstrip(".").lower()
    default = 443 if parts.scheme == "https" else 80
    return Endpoint(parts.scheme, host, port or default, parts.path.rstrip("/"))


def _fault(parts: SplitResult) -> str | None:
    if parts.scheme not in ("http", "https"):
        return f"scheme {parts.scheme!r}"
    if "@" in parts.netloc:
        return "it carries a user or password"
    if parts.query or parts.fragment:
        return "it carries a query or a fragment"
    host = (parts.hostname or "").rstrip(".").lower()
    if not host or not host.isascii() or any(c.isspace() for c in host):
        return f"host {host!r}"
    if host in _METADATA_NAMES:
        return f"{host} is a metadata service"
    literal = _literal(host)
    return None if literal is None else forbidden(literal)


def forbidden(address: Address) -> str | None:
    """Say why nothing may ever connect to this address, or return None."""
    plain = _unwrapped(address)
    if plain in _METADATA:
        return f"{plain} is a metadata service"
    if plain.is_loopback:
        return None
    for kind in ("link_local", "multicast", "unspecified", "reserved"):
        if getattr(plain, f"is_{kind}"):
            return f"{plain} is {kind.replace('_', '-')}"
    return None


async def resolve(place: Endpoint) -> str:
    """Return the first checked address of the host.

    Raises `Unreachable` if the name has none, or if any of them is forbidden: a name that
    also points at a forbidden place is not to be trusted with the others.
    """
    try:
        found = await _lookup(place.host, place.port)
    except OSError as error:
        raise Unreachable(
            f"no address for {place.host}: {error.strerror or error}", where="llm"
        ) from None
    addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in found]
    for address in addresses:
        reason = forbidden(address)
        if reason is None and _unwrapped(address).is_loopback and not place.is_loopback:
            reason = f"{address} is this machine, which was not asked for by name"
        if reason:
            raise Unreachable(f"{place.host} is refused: {reason}", where="llm", allowed=ALLOWED)
    return str(addresses[0])


async def _lookup(host: str, port: int) -> list[str]:
    """Ask the resolver in a thread that nobody has to wait for when the deadline passes."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str] | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found: list[str] | OSError = [str(row[4][0]) for row in rows]
        except OSError as error:
            found = error
        except UnicodeError as error:
            found = OSError(str(error))
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=ask, daemon=True, name="resolver").start()
    return await answer


def _literal(host: str) -> Address | None:
    """Read every notation that a resolver would take for an address."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one carries (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and address.teredo:
        inside = address.teredo[1]
    if inside is None and (address in _NAT64 or address in _COMPATIBLE) and int(address) > 1:
        inside = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return inside or address


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
