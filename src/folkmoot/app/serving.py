"""The service on a socket: who may bind where, what is said at the start, how it stops."""

import ipaddress
import signal
import socket

import structlog
import uvicorn
from pydantic import SecretStr

from folkmoot.app.oracle import Oracle
from folkmoot.app.service import create
from folkmoot.core.errors import EnvironmentProblem, UsageError
from folkmoot.core.settings import SECRET_LENGTH

BACKLOG = 256
STOP_SECONDS = 10


def listen(host: str, port: int, secret: SecretStr) -> socket.socket:
    """Return a socket that listens on `host`.

    Raises `UsageError` for an address beyond loopback without a secret of 32 characters or more,
    `EnvironmentProblem` where the address cannot be had.
    """
    if not _is_loopback(host) and len(secret.get_secret_value()) < SECRET_LENGTH:
        raise UsageError(
            f"{host} is not loopback and there is no secret",
            where="host",
            allowed=f"127.0.0.1, or FOLKMOOT_API_SECRET with {SECRET_LENGTH} characters or more",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot listen: {error.strerror or error}", where=f"{host}:{port}"
        ) from None
    # Without it, head and body of an answer wait 40 ms for each other.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(oracle: Oracle, listening: socket.socket, secret: SecretStr) -> int:
    """Serve until SIGTERM or SIGINT, finish what is in flight for up to 10 s, return 0."""
    log = structlog.get_logger("folkmoot.service")
    for member in oracle.members():
        log.info(
            "member",
            id=member.id,
            kind=member.kind,
            status=member.status,
            market=member.market,
            timeframe=member.timeframe,
            parameters=member.parameters,
        )
    given = secret if secret.get_secret_value() else None
    config = uvicorn.Config(
        create(oracle, given),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=65_536,
    )
    # uvicorn raises the signal again once it has stopped: these make that the end of it.
    before = {one: signal.signal(one, _stopped) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    return 0


def _stopped(number: int, frame: object) -> None:
    """Do nothing: the server has stopped already."""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
