"""What a library is told of a buffer, and what an object owns: copies, ends by hand, arguments nobody declared."""

import copy
import ctypes

from cffi import FFI

ffi = FFI()
ffi.cdef("""
    typedef struct panel panel;
    panel *panel_open(const char *port);
    void panel_close(panel *p);
    size_t panel_name(panel *p, char *out, size_t room);
    int panel_on_key(panel *p, void (*call)(void *), void *given);
    int panel_each(panel *p, void (*call)(void *), void *given);
""")
panels = ffi.dlopen("libpanel.so.1")

gpu = ctypes.CDLL("libgpu.so.2")
gpu.gpu_room.argtypes = [ctypes.c_size_t]
gpu.gpu_room.restype = ctypes.c_void_p
gpu.gpu_start.argtypes = [ctypes.c_char_p, ctypes.c_int]
gpu.gpu_start.restype = ctypes.c_int
gpu.gpu_fill.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint]
gpu.gpu_fill.restype = ctypes.c_int
gpu.gpu_text.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t)]
gpu.gpu_text.restype = ctypes.c_int
gpu.gpu_free.argtypes = [ctypes.c_int, ctypes.c_void_p]
gpu.gpu_free.restype = None


@ffi.callback("void (void *)")
def pressed(given):
    print(ffi.from_handle(given))


def name_of(panel):
    room = 32
    out = ffi.new("char[]", room)
    need = panels.panel_name(panel, out, room)
    return ffi.buffer(out, need)[:]  #! CWE-125


def short_name_of(panel):
    room = 32
    out = ffi.new("char[]", room)
    need = panels.panel_name(panel, out, room)
    return ffi.buffer(out, min(need, room))[:]  #! none


def listen(panel, user):
    return panels.panel_on_key(panel, pressed, ffi.new_handle(user))  #! CWE-416


def each(panel, user):
    return panels.panel_each(panel, pressed, ffi.new_handle(user))  #! none CWE-416


class Room:
    def __init__(self, size):
        self.size = size
        self.at = gpu.gpu_room(size)
        if not self.at:
            raise MemoryError(size)

    def start(self):
        if gpu.gpu_start(b"axpy", 2, self.at) != 0:  #! CWE-686
            raise OSError("axpy")

    def begin(self):
        if gpu.gpu_start(b"axpy", 2, ctypes.c_void_p(self.at)) != 0:  #! none CWE-686
            raise OSError("axpy")

    def fill(self, frames, tail):
        host = (ctypes.c_float * frames)()
        return gpu.gpu_fill(self.at, host, frames + tail)  #! CWE-787

    def fill_all(self, frames, tail):
        host = (ctypes.c_float * (frames + tail))()
        return gpu.gpu_fill(self.at, host, frames + tail)  #! none

    def text(self, room=80):
        out = ctypes.create_string_buffer(room)
        used = ctypes.c_size_t()
        if gpu.gpu_text(self.at, out, room, ctypes.byref(used)) != 0:
            raise OSError("text")
        return ctypes.string_at(out, used.value)  #! CWE-125

    def close(self):
        gpu.gpu_free(1, self.at)  #! CWE-415

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Kept(Room):
    def close(self):
        at, self.at = self.at, None
        if at:
            gpu.gpu_free(1, at)  #! none

    def __exit__(self, *_):
        self.close()


def by_hand():
    with Room(4) as room:
        room.begin()
        room.close()


def once():
    with Room(4) as room:
        room.begin()


def kept():
    with Kept(4) as room:
        room.begin()
        room.close()


class Owner:
    def __init__(self):
        self.at = gpu.gpu_room(1)
        if not self.at:
            raise MemoryError(1)

    def __del__(self):
        gpu.gpu_close(self.at)


class Alone:
    def __init__(self):
        self.at = gpu.gpu_room(1)
        if not self.at:
            raise MemoryError(1)

    def __copy__(self):
        raise TypeError("one owner")

    def __del__(self):
        gpu.gpu_close(self.at)


class Pair:
    def __init__(self):
        self.first = Owner()
        self.other = Alone()

    def twin(self):
        return copy.copy(self.first)  #! CWE-415

    def same(self):
        return copy.copy(self.other)  #! none

    def both(self):
        return copy.copy(self)  #! none


class Wall:
    def __init__(self, cols, rows):
        self.cols, self.rows = cols, rows
        self.pixels = ctypes.POINTER(ctypes.c_uint32)()
        self.spare = [0] * cols

    def put(self, x, y, colour):
        if x >= self.cols or y >= self.rows:
            return
        self.pixels[y * self.cols + x] = colour  #! CWE-787

    def set(self, x, y, colour):
        if 0 <= x < self.cols and 0 <= y < self.rows:
            self.pixels[y * self.cols + x] = colour  #! none

    def wrap(self, x, colour):
        if x < self.cols:
            self.pixels[x % self.cols] = colour  #! none

    def note(self, x, colour):
        if x < self.cols:
            self.spare[x] = colour  #! none
