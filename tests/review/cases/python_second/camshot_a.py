"""Django view over a camera SDK."""
import ctypes
import functools
import os

from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseServerError

ROOT = "/opt/cameras"
SUFFIX = ".so"
FRAME_BYTES = 640 * 480 * 3


class Info(ctypes.Structure):
    _fields_ = [("width", ctypes.c_int), ("height", ctypes.c_int), ("stride", ctypes.c_int), ("model", ctypes.c_char * 32)]


@functools.lru_cache(maxsize=None)
def sdk(path):
    lib = ctypes.cdll.LoadLibrary(path)
    lib.cam_open.argtypes = [ctypes.c_int]
    lib.cam_info.argtypes = [ctypes.c_void_p, ctypes.POINTER(Info)]
    lib.cam_grab.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    return lib


def sdk_path(name):
    path = os.path.realpath(os.path.join(ROOT, name + SUFFIX))
    if not path.startswith(ROOT):
        raise ValueError(name)
    return path


def snapshot(request):
    try:
        lib = sdk(sdk_path(request.GET["sdk"]))
        number = int(request.GET.get("number", "0"))
    except (KeyError, ValueError):
        return HttpResponseBadRequest()
    camera = lib.cam_open(number)    #! CWE-686
    info = Info()
    lib.cam_info(camera, ctypes.byref(info))
    room = ctypes.create_string_buffer(FRAME_BYTES)
    status = lib.cam_grab(camera, room, info.stride * info.height)  #! CWE-120
    if status != 0:
        return HttpResponseServerError()  #! CWE-772
    lib.cam_close(camera)
    return HttpResponse(room.raw, content_type="application/octet-stream")
