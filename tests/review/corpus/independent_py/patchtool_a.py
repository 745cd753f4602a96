"""In-process patching of the game client for the accessibility overlay."""
import ctypes
import os
import socketserver
import struct

K32 = ctypes.WinDLL("kernel32", use_last_error=True)
K32.GetModuleHandleW.restype = ctypes.c_void_p
K32.GetModuleHandleW.argtypes = [ctypes.c_wchar_p]
K32.VirtualProtect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_ulong, ctypes.POINTER(ctypes.c_ulong)]
K32.FreeLibrary.argtypes = [ctypes.c_void_p]

DRAW_TEXT = 0x1A3F40
DRAW = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int)


def draw_text():
    base = K32.GetModuleHandleW("client.dll")
    return DRAW(base + DRAW_TEXT)  # expect: CWE-587


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        head = self.rfile.read(12)
        address, size = struct.unpack("<QI", head)
        self.wfile.write(ctypes.string_at(address, size))  # expect: CWE-822


def release():
    base = K32.GetModuleHandleW("client.dll")
    K32.FreeLibrary(base)  # expect: CWE-911


def unprotect(address, size):
    old = ctypes.c_ulong()
    K32.VirtualProtect(address, size, 0x40, ctypes.byref(old))  # expect: CWE-252
    return old.value


def serve():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 9100), Handler) as server:
        server.serve_forever()
