"""Weather sonde decoder: cffi in ABI mode."""
import atexit
import os
import weakref

from cffi import FFI

ffi = FFI()
ffi.cdef("""
typedef struct sonde sonde;
sonde *sonde_new(const char *site);
int sonde_feed(sonde *s, const uint8_t *data, size_t n);
int sonde_next(sonde *s, double *out, size_t n);
const char *sonde_error(sonde *s);
char *sonde_report(sonde *s);
void sonde_string_free(char *text);
void sonde_free(sonde *s);
int sonde_attach(sonde *s, const uint8_t *ring, size_t n);
""")

lib = ffi.dlopen("libsonde.so.2")


@atexit.register
def _finish():
    lib.sonde_string_free(ffi.NULL)


class SondeError(Exception):
    pass


class Sonde:
    def __init__(self, site):
        raw = lib.sonde_new(site.encode())
        if raw == ffi.NULL:
            raise SondeError(site)
        self._raw = ffi.gc(raw, lib.sonde_free)

    def attach(self, size):
        ring = ffi.new("uint8_t[]", size)
        self._ring = ring
        if lib.sonde_attach(self._raw, ring, size) != 0:
            raise SondeError(ffi.string(lib.sonde_error(self._raw)).decode())

    def feed(self, data):
        if lib.sonde_feed(self._raw, data, len(data)) < 0:
            raise SondeError("feed")

    def values(self):
        out = ffi.new("double[16]")
        count = lib.sonde_next(self._raw, out, 16)
        if count < 0 or count > 16:
            raise SondeError("values")
        return list(out[0:count])

    def report(self):
        text = lib.sonde_report(self._raw)
        if text == ffi.NULL:
            return ""
        try:
            return ffi.string(text).decode()
        finally:
            lib.sonde_string_free(text)
