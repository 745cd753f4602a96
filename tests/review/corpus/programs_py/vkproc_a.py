"""Load device functions by name, as the graphics loader asks."""
import ctypes

_lib = ctypes.CDLL("libvulkan.so.1")
_get = _lib.vkGetInstanceProcAddr
_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_get.restype = ctypes.c_void_p

CREATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
VERSION = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_uint32))


class VkError(RuntimeError):
    pass


def version():
    address = _get(None, b"vkEnumerateInstanceVersion")
    number = ctypes.c_uint32()
    if VERSION(address)(ctypes.byref(number)) != 0:  # expect: CWE-690
        raise VkError("vkEnumerateInstanceVersion")
    return number.value >> 22, (number.value >> 12) & 0x3FF


def create(info):
    address = _get(None, b"vkCreateInstance")
    if not address:
        raise VkError("vkCreateInstance is not there")
    instance = ctypes.c_void_p()
    code = CREATE(address)(ctypes.byref(info), None, ctypes.byref(instance))  # expect: CWE-252
    return instance
