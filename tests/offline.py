"""Run a command where no network is: ``python offline.py COMMAND…``.

In a network namespace of its own there is nothing but loopback, whatever the command and its children try. Needs Linux
and the right to make one (root, or user namespaces); exit 125 where there is none, before the command has begun.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["NOT_POSSIBLE", "NOWHERE"]

NOT_POSSIBLE = 125

#: For programs that ask their variables for the way out; nobody listens on the discard port.
NOWHERE = dict.fromkeys(
    ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"
)

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40


def leave_the_network() -> None:
    """Move this process into a network namespace with loopback alone.

    :raises OSError: the system does not let us
    """
    user, group = os.getuid(), os.getgid()
    unshare: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    if unshare is None or unshare(CLONE_NEWNET | (CLONE_NEWUSER if user else 0)):
        raise OSError(ctypes.get_errno(), "no namespace of its own")
    if user:  # be the same person inside
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP | IFF_RUNNING))


if __name__ == "__main__":
    try:
        leave_the_network()
    except OSError as error:
        print(f"offline: {error}", file=sys.stderr)
        sys.exit(NOT_POSSIBLE)
    os.execvp(sys.argv[1], sys.argv[1:])
