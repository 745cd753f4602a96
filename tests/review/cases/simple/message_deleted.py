"""A phone that is closed, and again by the collector; the function that deletes a message is no end of the phone."""

from cffi import FFI

ffi = FFI()
ffi.cdef(
    """
    typedef struct phone phone;
    phone *ph_open(const char *port);
    void ph_close(phone *one);
    int ph_delete(phone *one, int message);
    """
)
lib = ffi.dlopen("/usr/lib/phone/libphone.so.1")


class Phone:
    def __init__(self, port):
        raw = lib.ph_open(port.encode())
        if raw == ffi.NULL:
            raise OSError(port)
        self._phone = ffi.gc(raw, lib.ph_close)

    def forget(self, message):
        if lib.ph_delete(self._phone, message) != 0:
            raise OSError(message)

    def close(self):
        if self._phone is not None:
            lib.ph_close(self._phone)  #! CWE-415
            self._phone = None


class Tidy:
    def __init__(self, port):
        raw = lib.ph_open(port.encode())
        if raw == ffi.NULL:
            raise OSError(port)
        self._phone = ffi.gc(raw, lib.ph_close)

    def close(self):
        if self._phone is not None:
            ffi.release(self._phone)  #! none CWE-415
            self._phone = None
