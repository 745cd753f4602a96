import ctypes
import os


def load(path):
    st = os.stat(path)
    if st.st_uid != 0 or st.st_mode & 0o022:
        raise PermissionError(path)
    return ctypes.CDLL(path)  # expect: CWE-367
