"""Messages: caller to helper and back (a stream, trusted both ways), child to helper (records, trusted by nonce only).

A child's record is one message of a sequenced-packet socket: the nonce of this child, then JSON, at most
:data:`MAX_RECORD` bytes. Whatever else comes from that socket after foreign code ran is counted as forged.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Final

__all__ = [
    "MAX_RECORD",
    "NONCE_SIZE",
    "ChannelClosed",
    "pack_record",
    "receive_message",
    "send_message",
    "unpack_record",
]

NONCE_SIZE: Final = 16
MAX_RECORD: Final = 32 << 10
_MAX_MESSAGE: Final = 256 << 20  # symbol names of the largest libraries take some 60 MiB
_LENGTH: Final = struct.Struct("=I")


class ChannelClosed(Exception):
    """The other side is gone."""


def send_message(channel: socket.socket, message: Any, descriptors: tuple[int, ...] = ()) -> None:
    """Send one JSON message over a stream socket, and descriptors with it. Raises ChannelClosed."""
    packed = json.dumps(message).encode()
    try:
        socket.send_fds(channel, [_LENGTH.pack(len(packed))], descriptors)
        channel.sendall(packed)
    except (BrokenPipeError, ConnectionError) as error:
        raise ChannelClosed from error


def receive_message(channel: socket.socket) -> tuple[Any, list[int]]:
    """The next message and the descriptors that came with it. Raises ChannelClosed, or TimeoutError by the socket's."""
    head, descriptors, _flags, _address = socket.recv_fds(channel, _LENGTH.size, 4)
    try:
        while head and len(head) < _LENGTH.size:
            head += _some(channel, _LENGTH.size - len(head))
        if not head:
            raise ChannelClosed
        (left,) = _LENGTH.unpack(head)
        if left > _MAX_MESSAGE:
            raise ChannelClosed
        parts = bytearray()
        while len(parts) < left:
            parts += _some(channel, min(left - len(parts), 1 << 20))
    except ConnectionError as error:
        raise ChannelClosed from error
    return json.loads(parts), list(descriptors)


def _some(channel: socket.socket, size: int) -> bytes:
    piece = channel.recv(size)
    if not piece:
        raise ChannelClosed
    return piece


def pack_record(nonce: bytes, fields: dict[str, Any]) -> bytes:
    """A child's record; one that would be too long says only that."""
    packed = nonce + json.dumps(fields).encode()
    return packed if len(packed) <= MAX_RECORD else nonce + json.dumps({"cut": len(packed)}).encode()


def unpack_record(nonce: bytes, packed: bytes) -> dict[str, Any] | None:
    """The fields of a record, or None when it does not carry the nonce or is no JSON object.

    >>> unpack_record(b"n" * 16, pack_record(b"n" * 16, {"done": "load"}))
    {'done': 'load'}
    >>> unpack_record(b"n" * 16, b'{"done": "load"}')
    """
    if not packed.startswith(nonce) or len(packed) > MAX_RECORD:
        return None
    try:
        fields = json.loads(packed[len(nonce) :])
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
