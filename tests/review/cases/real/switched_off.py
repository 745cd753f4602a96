"""A callback that a switch takes away again, and one that is registered and held by nobody."""

import ctypes

HANDLER = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)
set_console_handler = ctypes.windll.kernel32.SetConsoleCtrlHandler
set_console_handler.argtypes = [HANDLER, ctypes.c_int]
set_console_handler.restype = ctypes.c_int


def while_waiting(wait, on_break):
    set_console_handler(HANDLER(on_break), 1)  #! CWE-416
    try:
        wait()
    finally:
        set_console_handler(HANDLER(on_break), 0)  #! none CWE-416
