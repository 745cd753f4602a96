import ctypes
import logging

try:
    ssl = ctypes.CDLL("libssl.so.3")
except OSError:  # bad
    pass
ssl.SSL_library_init()


def load():
    try:
        lib = ctypes.CDLL("libfoo.so.1")
    except Exception as error:  # bad
        logging.warning("no foo: %s", error)
    return lib.foo_version()


class Codec:
    def open(self):
        try:
            self.lib = ctypes.CDLL("libcodec.so")
        except:  # bad
            print("cannot load the codec")
        self.lib.codec_init()
