import ctypes, http.server, urllib.parse, sys, importlib.util, importlib, os
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        q = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        ctypes.CDLL(q["lib"][0])  # expect: CWE-114
    def do_POST(self):
        n = int(self.headers["Content-Length"])
        ctypes.CDLL(self.rfile.read(n).decode())  # expect: CWE-114
from django.http import HttpRequest
def view(request):
    ctypes.CDLL(request.GET.get("lib"))  # expect: CWE-114
def spec():
    loader = importlib.machinery.ExtensionFileLoader("x", sys.argv[1])  # expect: CWE-114
    return loader
import cffi
ffi = cffi.FFI()
def c():
    return ffi.dlopen(os.environ["LIB"])  # expect: CWE-114
def dlldir():
    os.add_dll_directory(os.environ["PLUGIN_DIR"])  # expect: CWE-427
    for p in os.getenv("PATH").split(";"):
        sys.path.insert(0, p)  # expect: CWE-427
def sh(n):
    os.system("ldd %s" % sys.argv[1])  # expect: CWE-78
def fmt():
    lib, fn = sys.argv[1:3]
    h = ctypes.CDLL("/usr/lib/libx.so")
    return getattr(h, fn)()  # expect: CWE-20
import argparse
def ap():
    p = argparse.ArgumentParser(); p.add_argument("-l", dest="lib")
    ns = p.parse_args()
    Loader(ns.lib).open()
class Loader:
    def __init__(self, path): self.path = path
    def open(self): return ctypes.CDLL(self.path)  # expect: CWE-114
