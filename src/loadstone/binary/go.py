"""What Go's link editor leaves in a binary of any format. Source: Go, debug/buildinfo and cmd/internal/buildid."""

from __future__ import annotations

from typing import Final

__all__ = ["BUILD_ID", "BUILD_INFO", "build_version"]

BUILD_INFO: Final = b"\xff Go buildinf:"
BUILD_ID: Final = b'\xff Go build ID: "'
"""How the build information begins, and how the code does where the format has no notes."""

_INLINE: Final = 0x2  # the texts follow at 32; before Go 1.18 there were pointers to them
_TEXTS_AT: Final = 32


def build_version(data: bytes) -> str:
    r"""The release in the build information that ``data`` begins with; empty when it is not written there.

    >>> build_version(BUILD_INFO + bytes([8, 2]) + bytes(16) + b"\x08go1.21.5")
    'go1.21.5'
    """
    if not data.startswith(BUILD_INFO) or len(data) <= _TEXTS_AT or not data[15] & _INLINE:
        return ""
    length = data[_TEXTS_AT]
    text = data[_TEXTS_AT + 1 : _TEXTS_AT + 1 + length]
    return text.decode("utf-8", "replace") if length < 0x80 and len(text) == length else ""
