"""Messages: caller to helper and back (a stream, trusted both ways), child to helper (records, trusted by nonce only).

A child's record is one message of a sequenced-packet socket: the nonce of this child, then JSON, at most
:data:`MAX_RECORD` bytes, of fields that are known and within their bounds. Whatever else comes from that socket after
foreign code ran is counted as forged.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

__all__ = [
    "MAX_RECORD",
    "MAX_TEXT",
    "NONCE_SIZE",
    "ChannelClosed",
    "pack_record",
    "receive_message",
    "send_message",
    "unpack_record",
]

NONCE_SIZE: Final = 16
MAX_TEXT: Final = 4096  # a path has no more
_MAX_ROWS: Final = 16  # layers, symbols that were not resolved
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
    """The fields of a record, or None when it does not carry the nonce, or is no object of known, bounded fields.

    >>> unpack_record(b"n" * 16, pack_record(b"n" * 16, {"done": "load"}))
    {'done': 'load'}
    >>> unpack_record(b"n" * 16, b'{"done": "load"}')
    >>> unpack_record(b"n" * 16, pack_record(b"n" * 16, {"done": "reload", "in_use": 10**30}))
    """
    if not packed.startswith(nonce) or len(packed) > MAX_RECORD:
        return None
    try:
        fields = json.loads(packed[len(nonce) :])
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) and all(_fits(*field) for field in fields.items()) else None


def _fits(name: str, value: object) -> bool:
    fits = _FIELDS.get(name)
    return fits is not None and fits(value)


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 63


def _rows(width: int) -> Callable[[object], bool]:
    """Whether it is a list of rows of so many texts."""

    def fits(value: object) -> bool:
        return (
            isinstance(value, list)
            and len(value) <= _MAX_ROWS
            and all(isinstance(row, list) and len(row) == width and all(map(_text, row)) for row in value)
        )

    return fits


def _texts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MAX_ROWS and all(map(_text, value))


def _state(value: object) -> bool:
    """Whether it is a register and a list of names."""
    return isinstance(value, list) and len(value) == 2 and _count(value[0]) and _texts(value[1])


_FIELDS: Final[dict[str, Callable[[object], bool]]] = {
    "cut": _count,
    "cycles": _count,
    "done": _text,
    "error": _text,
    "failed": _text,
    "failures": _count,
    "in_use": lambda value: value is None or _count(value),
    "layers": _rows(3),
    "listener": lambda value: value is True,
    "loaded_as": _text,
    "returned": _text,
    "state": _state,
    "unnotified": _text,
    "unresolved": _rows(2),
}
"""What a child may say of itself, and how much of it."""
