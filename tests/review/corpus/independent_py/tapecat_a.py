"""Tape catalogue reader over cffi ABI mode."""
import os
import threading
import weakref
import cffi

ffi = cffi.FFI()
ffi.cdef("""
typedef struct tc_tape tc_tape;
tc_tape *tc_open(const char *device);
int tc_read(tc_tape *t, void *buffer, size_t size, size_t *got);
char *tc_label(tc_tape *t);
void tc_free_label(char *label);
void tc_close(tc_tape *t);
int tc_watch(tc_tape *t, void (*cb)(int, void *), void *user);
""")
C = ffi.dlopen(os.environ.get("TAPECAT_LIB", "libtapecat.so"))  # expect: CWE-114


class Tape:
    def __init__(self, device):
        self.t = C.tc_open(device.encode())
        self.lock = threading.Lock()

    def label(self):
        raw = C.tc_label(self.t)  # expect: CWE-401 CWE-416
        return ffi.string(raw).decode()

    def read(self, size=4096):
        buf = ffi.new("char[4096]")
        got = ffi.new("size_t *")
        C.tc_read(self.t, buf, size, got)
        return bytes(ffi.buffer(buf, got[0]))  # expect: CWE-125

    def watch(self, func):
        cb = ffi.callback("void(int, void *)", lambda code, user: func(code))
        C.tc_watch(self.t, cb, ffi.NULL)  # expect: CWE-416

    def close(self):
        C.tc_close(self.t)

    def reopen(self, device):
        self.close()
        self.t = C.tc_open(device.encode())
