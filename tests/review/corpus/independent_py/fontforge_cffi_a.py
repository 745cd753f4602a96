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
lib = None
_once = threading.Lock()


def engine():
    global lib
    if lib is None:  # expect: CWE-362
        lib = ffi.dlopen("libglyphline.so.4")
    return lib


def match(family, weight=400):
    query = ffi.new("gl_query *")
    query.family = ffi.new("char[]", family.encode())  # expect: CWE-416
    query.weight = weight
    face = engine().gl_match(query)
    return ffi.gc(face, lib.gl_drop)


def outline(face, code):
    xy = ffi.new("double[512]")
    n = engine().gl_outline(face, code, xy, 512)
    return ffi.unpack(xy, n)  # expect: CWE-125


def log_to(func):
    user = ffi.new_handle(func)
    engine().gl_set_log(_relay, user)  # expect: CWE-416


@ffi.callback("void(void *, const char *)")
def _relay(user, text):
    ffi.from_handle(user)(ffi.string(text).decode("utf-8", "replace"))
