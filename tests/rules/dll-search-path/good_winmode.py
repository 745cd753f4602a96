"""Modes of loading that name where to look, as words, as a number, and as a constant of the file."""

import ctypes
import os

SYSTEM32 = 0x00000800
DEFAULT_DIRS = 0x1000

version = ctypes.WinDLL("version.dll", winmode=0x800)
cabinet = ctypes.WinDLL("cabinet.dll", winmode=SYSTEM32)
bcrypt = ctypes.WinDLL("bcrypt.dll", winmode=SYSTEM32 | DEFAULT_DIRS)
