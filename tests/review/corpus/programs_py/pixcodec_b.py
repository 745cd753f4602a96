"""pixcodec through cffi, ABI mode."""
import cffi

ffi = cffi.FFI()
ffi.cdef("""
    typedef struct pix_image pix_image;
    typedef struct { const char *name; const char *value; } pix_tag;
    pix_image *pix_decode(const unsigned char *data, size_t size);
    int pix_width(const pix_image *);
    int pix_height(const pix_image *);
    char *pix_comment(const pix_image *);
    void pix_string_free(char *);
    void pix_free(pix_image *);
""")
lib = ffi.dlopen("/usr/lib/pixcodec/libpixcodec.so.4")


class PixError(ValueError):
    pass


class Picture:
    def __init__(self, data):
        image = lib.pix_decode(data, len(data))
        if image == ffi.NULL:
            raise PixError("not a picture")
        self._image = ffi.gc(image, lib.pix_free)

    @property
    def size(self):
        return lib.pix_width(self._image), lib.pix_height(self._image)

    def comment(self):
        text = lib.pix_comment(self._image)
        if text == ffi.NULL:
            return ""
        try:
            return ffi.string(text).decode("utf-8", "replace")
        finally:
            lib.pix_string_free(text)

    def close(self):
        image, self._image = self._image, None
        if image is not None:
            ffi.release(image)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
