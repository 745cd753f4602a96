"""Modes of loading that bring the old order back."""

import ctypes

OLD = 0

version = ctypes.WinDLL("version.dll", winmode=0)  # bad
cabinet = ctypes.WinDLL("cabinet.dll", winmode=OLD)  # bad
bcrypt = ctypes.WinDLL("bcrypt.dll", winmode=0x8)  # bad
