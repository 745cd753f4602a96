"""Two modules of the renderer share one lock table."""
import ctypes
import threading

_core = ctypes.CDLL("/usr/lib/viz/libvizcore.so")
_core.vz_scene_new.argtypes = []
_core.vz_scene_new.restype = ctypes.c_void_p
_core.vz_scene_add.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
_core.vz_scene_add.restype = ctypes.c_int
_core.vz_scene_free.argtypes = [ctypes.c_void_p]
_core.vz_scene_free.restype = None

scenes_lock = threading.Lock()
meshes_lock = threading.Lock()
scenes = {}
meshes = {}


def new_scene(key):
    scenes_lock.acquire()
    if key in scenes:
        return scenes[key]  # expect: CWE-667
    handle = _core.vz_scene_new()
    if not handle:
        scenes_lock.release()
        raise MemoryError(key)
    scenes[key] = handle
    scenes_lock.release()
    return handle


def attach(scene, mesh):
    with scenes_lock:
        with meshes_lock:
            if _core.vz_scene_add(scenes[scene], meshes[mesh]):
                raise ValueError(mesh)


def drop_mesh(mesh):
    with meshes_lock:
        del meshes[mesh]
        with scenes_lock:  # expect: CWE-833 CWE-764
            for key, handle in list(scenes.items()):
                _forget(key)  # expect: CWE-764


def _forget(key):
    with scenes_lock:
        handle = scenes.pop(key)
    _core.vz_scene_free(handle)
    _core.vz_scene_free(handle)  # expect: CWE-415
