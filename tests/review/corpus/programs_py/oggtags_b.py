"""Vorbis comments through libvorbisfile."""
import ctypes

_vf = ctypes.cdll.LoadLibrary("libvorbisfile.so.3")


class Comment(ctypes.Structure):
    _fields_ = [
        ("user_comments", ctypes.POINTER(ctypes.POINTER(ctypes.c_char))),
        ("comment_lengths", ctypes.POINTER(ctypes.c_int)),
        ("comments", ctypes.c_int),
        ("vendor", ctypes.c_char_p),
    ]


class OggVorbisFile(ctypes.Structure):
    _fields_ = [("opaque", ctypes.c_byte * 1024)]


_vf.ov_fopen.argtypes = [ctypes.c_char_p, ctypes.POINTER(OggVorbisFile)]
_vf.ov_fopen.restype = ctypes.c_int
_vf.ov_comment.argtypes = [ctypes.POINTER(OggVorbisFile), ctypes.c_int]
_vf.ov_comment.restype = ctypes.POINTER(Comment)
_vf.ov_clear.argtypes = [ctypes.POINTER(OggVorbisFile)]
_vf.ov_clear.restype = ctypes.c_int
_vf.ov_read.argtypes = [ctypes.POINTER(OggVorbisFile), ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
_vf.ov_read.restype = ctypes.c_long


class OggError(Exception):
    pass


class Track:
    def __init__(self, path):
        self._file = OggVorbisFile()
        code = _vf.ov_fopen(path.encode(), ctypes.byref(self._file))
        if code < 0:
            raise OggError(path)
        self._open = True

    def tags(self):
        table = _vf.ov_comment(ctypes.byref(self._file), -1)
        rows = []
        if not table:
            raise OggError("no comments")
        for n in range(table.contents.comments):
            rows.append(ctypes.string_at(table.contents.user_comments[n], table.contents.comment_lengths[n]))
        self.close()
        return rows

    def samples(self, wanted):
        chunk = ctypes.create_string_buffer(4096)
        section = ctypes.c_int()
        parts = []
        while wanted > 0:
            got = _vf.ov_read(ctypes.byref(self._file), chunk, 4096, 0, 2, 1, ctypes.byref(section))
            if got < 0:
                raise OggError(got)
            if got == 0:
                break
            parts.append(chunk.raw[:got])
            wanted -= got
        return b"".join(parts)

    def close(self):
        if self._open:
            self._open = False
            _vf.ov_clear(ctypes.byref(self._file))

    def __del__(self):
        self.close()
