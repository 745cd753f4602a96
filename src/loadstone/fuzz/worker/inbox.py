"""The worker's end of the channel: lines from the parent, waited for or only looked at."""

from __future__ import annotations

import socket

__all__ = ["Inbox"]


class Inbox:
    """Lines of a stream socket. One thread."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._buffer = b""

    def line(self) -> bytes:
        """The next line, waited for; nothing when the parent has hung up."""
        while b"\n" not in self._buffer:
            piece = self._channel.recv(1 << 20)
            if not piece:
                return b""
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def waiting(self) -> list[bytes]:
        """The lines that have come by now."""
        try:
            while piece := self._channel.recv(1 << 20, socket.MSG_DONTWAIT):
                self._buffer += piece
        except BlockingIOError:
            pass
        *lines, self._buffer = self._buffer.split(b"\n")
        return lines
