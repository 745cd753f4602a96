"""C headers as people have them, read without a compiler: preprocessor, declarations, layouts.

``read_text`` takes declarations as text, ``read_header`` a file; both give :class:`Declarations`, plain values without
sizes in memory. ``Layouts`` says where members lie, for any of the platforms in ``abi.py``. Nothing here runs code.
"""

from __future__ import annotations

from loadstone.headers.reader import read_header, read_text

__all__ = ["read_header", "read_text"]
