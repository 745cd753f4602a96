import ctypes

lib = ctypes.CDLL("libfoo.so.1")


def version(context):
    try:
        return lib.foo_version(context.handle)  # bad
    except AttributeError:
        return 0
