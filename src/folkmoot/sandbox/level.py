"""What this machine offers for running code that nobody here wrote."""

import ctypes
import sys
from typing import Any

# Linux numbers, the same on every architecture.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_VERSION = 1
_PR_GET_SECCOMP = 21


def level() -> dict[str, Any]:
    """Return the sandbox level, and which kernel features a future one can stand on."""
    landlock = _landlock()
    seccomp = _seccomp()
    return {
        "level": "none: no generated code runs in this version",
        "landlock_abi": landlock,
        "seccomp": seccomp,
    }


def _landlock() -> int | None:
    """Return the Landlock ABI of the kernel, or None where there is none."""
    if sys.platform != "linux":
        return None
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    abi = call(ctypes.c_long(_LANDLOCK_CREATE_RULESET), None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    return int(abi) if abi > 0 else None


def _seccomp() -> bool:
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0)
