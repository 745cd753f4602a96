"""Words stemmed by a C library that hands out strings."""
import ctypes

_lib = ctypes.CDLL("/usr/lib/langpack/libstem.so.3")
_lib.stem_new.argtypes = [ctypes.c_char_p]
_lib.stem_new.restype = ctypes.c_void_p
_lib.stem_word.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_lib.stem_word.restype = ctypes.c_char_p
_lib.stem_string_free.argtypes = [ctypes.c_void_p]
_lib.stem_string_free.restype = None
_lib.stem_delete.argtypes = [ctypes.c_void_p]
_lib.stem_delete.restype = None


class Stemmer:
    def __init__(self, language):
        self._stemmer = _lib.stem_new(language.encode())
        if not self._stemmer:
            raise ValueError(f"no stemmer for {language}")

    def word(self, text):
        stem = _lib.stem_word(self._stemmer, text.encode("utf-8"))
        if not stem:
            return text
        try:
            return stem.decode("utf-8")
        finally:
            _lib.stem_string_free(stem)  # expect: CWE-763

    def close(self):
        stemmer, self._stemmer = self._stemmer, None
        if stemmer:
            _lib.stem_delete(stemmer)
            _lib.stem_delete(stemmer)  # expect: CWE-415
