"""Image decoder by cffi, API mode."""
from imgfast._native import ffi, lib


class DecodeError(ValueError):
    pass


class Decoder:
    def __init__(self):
        raw = lib.imf_new()
        if raw == ffi.NULL:
            raise MemoryError("decoder")
        self._ptr = ffi.gc(raw, lib.imf_free)

    def decode(self, data):
        info = ffi.new("imf_info *")
        src = ffi.from_buffer("uint8_t[]", data)
        if lib.imf_header(self._ptr, src, len(src), info) != 0:
            raise DecodeError(ffi.string(lib.imf_why(self._ptr)).decode())
        if not 0 < info.width <= 1 << 14 or not 0 < info.height <= 1 << 14:
            raise DecodeError("size")
        size = info.width * info.height * 4
        out = bytearray(size)
        with ffi.from_buffer("uint8_t[]", out, require_writable=True) as dst:
            if lib.imf_pixels(self._ptr, src, len(src), dst, size) != 0:
                raise DecodeError("pixels")
        return info.width, info.height, bytes(out)

    def close(self):
        ffi.release(self._ptr)
