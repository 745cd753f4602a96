"""Bridge to a Java VM: finds libjvm, builds options, starts it."""
import ctypes
import glob
import os
import re
import subprocess


class Option(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("extra", ctypes.c_void_p)]


class InitArgs(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_int32),
        ("count", ctypes.c_int32),
        ("options", ctypes.POINTER(Option)),
        ("ignore", ctypes.c_ubyte),
    ]


def find():
    home = os.getenv("JAVA_HOME")
    if home:
        return os.path.join(home, "lib/server/libjvm.so")
    out = subprocess.check_output("readlink -f `which java`", shell=True, text=True)
    hits = glob.glob(os.path.dirname(out) + "/../lib/**/libjvm.so", recursive=True)
    return hits[0]


def start(extra=()):
    jvm = ctypes.CDLL(find())  # expect: CWE-73
    texts = ["-Xrs", *extra]
    array = (Option * len(texts))()
    for i, t in enumerate(texts):
        array[i].text = t.encode()
    args = InitArgs(0x00010008, len(texts), array, 1)
    vm, env = ctypes.c_void_p(), ctypes.c_void_p()
    create = jvm.JNI_CreateJavaVM
    create.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(InitArgs)]
    create.restype = ctypes.c_int
    create(ctypes.byref(vm), ctypes.byref(env), ctypes.byref(args))  # expect: CWE-252
    return vm, env


def version(binary):
    text = subprocess.getoutput(f"{binary} -version")  # expect: CWE-78
    return re.search(r'"(\d+)', text).group(1)
