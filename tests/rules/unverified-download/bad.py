import ctypes
import urllib.request

URL = "https://example.org/plugins/codec.so"


def fetch(target):
    urllib.request.urlretrieve(URL, target)
    return ctypes.CDLL(target)  # bad
