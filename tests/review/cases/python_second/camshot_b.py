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
    lib.cam_open.restype = ctypes.c_void_p
    lib.cam_info.argtypes = [ctypes.c_void_p, ctypes.POINTER(Info)]
    lib.cam_info.restype = ctypes.c_int
    lib.cam_grab.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    lib.cam_grab.restype = ctypes.c_int
    lib.cam_close.argtypes = [ctypes.c_void_p]
    lib.cam_close.restype = None
    return lib


def sdk_path(name):
    path = os.path.realpath(os.path.join(ROOT, name + SUFFIX))
    if not path.startswith(ROOT + os.sep):
        raise ValueError(name)
    return path


def snapshot(request):
    try:
        lib = sdk(sdk_path(request.GET["sdk"]))
        number = int(request.GET.get("number", "0"))
    except (KeyError, ValueError):
        return HttpResponseBadRequest()
    camera = lib.cam_open(number)  
    if not camera:
        return HttpResponseServerError()
    info = Info()
    if lib.cam_info(camera, ctypes.byref(info)) != 0:  #! none
        lib.cam_close(camera)  #! none
        return HttpResponseServerError()
    room = ctypes.create_string_buffer(info.stride * info.height)
    status = lib.cam_grab(camera, room, len(room))
    if status != 0:
        lib.cam_close(camera)  #! none
        return HttpResponseServerError()
    lib.cam_close(camera)  #! none
    return HttpResponse(room.raw, content_type="application/octet-stream")
