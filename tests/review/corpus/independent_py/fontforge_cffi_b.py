"""Glyph outlines by cffi."""
import threading
from cffi import FFI

ffi = FFI()
ffi.cdef("""
typedef struct { const char *family; int weight; void *user; } gl_query;
typedef struct gl_face gl_face;
gl_face *gl_match(const gl_query *q);
int gl_outline(gl_face *f, uint32_t code, double *xy, int room);
void gl_drop(gl_face *f);
void gl_set_log(void (*fn)(void *, const char *), void *user);
""")
_lib = None
_once = threading.Lock()
_log_handle = None


def engine():
    global _lib
    with _once:
        if _lib is None:
            _lib = ffi.dlopen("libglyphline.so.4")
        return _lib


def match(family, weight=400):
    lib = engine()
    name = ffi.new("char[]", family.encode())
    query = ffi.new("gl_query *")
    query.family = name
    query.weight = weight
    face = lib.gl_match(query)
    if face == ffi.NULL:
        raise LookupError(family)
    return ffi.gc(face, lib.gl_drop)


def outline(face, code):
    xy = ffi.new("double[512]")
    n = engine().gl_outline(face, code, xy, 512)
    if not 0 <= n <= 512:
        raise RuntimeError("outline")
    return ffi.unpack(xy, n)


def log_to(func):
    global _log_handle
    fresh = ffi.new_handle(func)
    engine().gl_set_log(_relay, fresh)
    _log_handle = fresh


@ffi.callback("void(void *, const char *)")
def _relay(user, text):
    ffi.from_handle(user)(ffi.string(text).decode("utf-8", "replace"))
