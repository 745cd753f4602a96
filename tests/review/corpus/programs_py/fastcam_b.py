"""Camera service: FastAPI, one native driver per camera family."""
import ctypes as ct
import threading
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, HTTPException, Query

app = FastAPI()
ROOT = Path("/usr/lib/fastcam")
FAMILIES = {"gige": "libgige.so.1", "usb3": "libusb3v.so.2"}

FRAME_CB = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_size_t, ct.c_void_p)


@dataclass
class Driver:
    lib: ct.CDLL
    frames: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    callback: object = None

    def __post_init__(self):
        self.lib.cam_open.argtypes = [ct.c_char_p]
        self.lib.cam_open.restype = ct.c_void_p
        self.lib.cam_set_frame_cb.argtypes = [ct.c_void_p, FRAME_CB, ct.c_void_p]
        self.lib.cam_set_frame_cb.restype = ct.c_int
        self.lib.cam_start.argtypes = [ct.c_void_p]
        self.lib.cam_start.restype = ct.c_int
        self.lib.cam_close.argtypes = [ct.c_void_p]
        self.lib.cam_close.restype = None

    def start(self, serial):
        handle = self.lib.cam_open(serial.encode("ascii"))
        if handle is None:
            raise HTTPException(404, f"no camera {serial}")

        def on_frame(data, size, _user):
            with self.lock:
                self.frames += 1

        self.callback = FRAME_CB(on_frame)
        code = self.lib.cam_set_frame_cb(handle, self.callback, None)
        if code:
            self.lib.cam_close(handle)
            raise HTTPException(500, f"callback: {code}")
        if self.lib.cam_start(handle):
            self.lib.cam_close(handle)
            raise HTTPException(500, "start")
        return handle


_drivers: dict[str, Driver] = {}
_guard = threading.Lock()


def driver(family: str) -> Driver:
    if family not in FAMILIES:
        raise HTTPException(404, family)
    with _guard:
        found = _drivers.get(family)
        if found is None:
            found = _drivers[family] = Driver(ct.CDLL(str(ROOT / FAMILIES[family])))
        return found


@app.get("/start/{family}")
def start(family: str, serial: str = Query(pattern=r"^[A-Z0-9]{4,12}$")):
    driver(family).start(serial)
    return {"ok": True}


@app.get("/stats/{family}")
def stats(family: str):
    one = driver(family)
    with one.lock:
        seen, one.frames = one.frames, 0
    return {"frames": seen}
