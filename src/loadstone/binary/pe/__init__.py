"""PE files to images: Windows DLLs and programs, and their object files. Hostile bytes give damage, not exceptions.

Source: Microsoft, "PE Format"; winnt.h of the Windows SDK for what that page leaves out.
"""

from __future__ import annotations

from loadstone.binary.pe.coff import read_coff, read_import
from loadstone.binary.pe.reader import read_pe

__all__ = ["read_coff", "read_import", "read_pe"]
