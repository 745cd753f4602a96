"""Tray icon of the sync client (user32/shell32)."""
import ctypes
import ctypes.wintypes as wt
import subprocess

user32 = ctypes.WinDLL("user32", use_last_error=True)
kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
WNDPROC = ctypes.WINFUNCTYPE(ctypes.c_ssize_t, wt.HWND, wt.UINT, wt.WPARAM, wt.LPARAM)

kernel32.LoadLibraryExW.argtypes = [wt.LPCWSTR, wt.HANDLE, wt.DWORD]
kernel32.LoadLibraryExW.restype = wt.HMODULE
kernel32.FreeLibrary.argtypes = [wt.HMODULE]
kernel32.FreeLibrary.restype = wt.BOOL
kernel32.GetProcAddress.argtypes = [wt.HMODULE, ctypes.c_char_p]
kernel32.GetProcAddress.restype = ctypes.c_void_p
user32.SetWindowLongPtrW.argtypes = [wt.HWND, ctypes.c_int, ctypes.c_void_p]
user32.SetWindowLongPtrW.restype = ctypes.c_void_p
user32.LoadIconW.argtypes = [wt.HINSTANCE, wt.LPCWSTR]
user32.LoadIconW.restype = wt.HICON
user32.GetWindowTextW.argtypes = [wt.HWND, wt.LPWSTR, ctypes.c_int]
user32.GetWindowTextW.restype = ctypes.c_int

THEME = r"C:\Program Files\Syncer\theme.dll"
GWLP_WNDPROC = -4


class TrayError(OSError):
    pass


class Theme:
    def __init__(self):
        self._module = kernel32.LoadLibraryExW(THEME, None, 0x1000)
        if not self._module:
            raise ctypes.WinError(ctypes.get_last_error())
        entry = kernel32.GetProcAddress(self._module, b"theme_colour")
        if not entry:
            kernel32.FreeLibrary(self._module)
            raise TrayError("theme_colour")
        self._colour = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_int)(entry)

    def colour(self, index):
        return self._colour(index)

    def close(self):
        kernel32.FreeLibrary(self._module)
        self._colour = self._module = None

    def last(self):
        self.close()
        return None


class Tray:
    def __init__(self, window):
        self._window = window
        self._proc = WNDPROC(self._message)
        self._old = user32.SetWindowLongPtrW(window, GWLP_WNDPROC, ctypes.cast(self._proc, ctypes.c_void_p))

    def _message(self, window, message, wparam, lparam):
        return 0

    def title(self):
        text = ctypes.create_unicode_buffer(64)
        user32.GetWindowTextW(self._window, text, len(text))
        return text.value

    def help(self):
        subprocess.Popen([r"C:\Program Files\Syncer\help.exe", "/tray"])
