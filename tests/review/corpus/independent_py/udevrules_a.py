"""Root daemon: publishes camera profiles that users drop into their spool."""
import contextlib
import ctypes
import os
import shutil

SPOOL = "/home/{user}/.camera/outbox"
SHARE = "/usr/share/camera/profiles"

chk = ctypes.CDLL("/usr/lib/camera/libprofilecheck.so")
chk.pc_valid.argtypes = [ctypes.c_char_p]
chk.pc_valid.restype = ctypes.c_int


def publish(user):
    box = SPOOL.format(user=user)
    for name in os.listdir(box):
        source = os.path.join(box, name)
        if chk.pc_valid(source.encode()) != 0:
            continue
        shutil.copyfile(source, os.path.join(SHARE, name))
        with contextlib.suppress(Exception):
            os.chmod(os.path.join(SHARE, name), 0o666)  # expect: CWE-732


def note(text):
    with open("/tmp/camera-daemon.log", "a") as fh:  # expect: CWE-377
        fh.write(text + "\n")
