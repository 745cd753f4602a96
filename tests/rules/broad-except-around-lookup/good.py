import ctypes

lib = ctypes.CDLL("libfoo.so.1")


def version(context):
    try:  # good
        function = lib.foo_version
    except AttributeError:
        return 0
    return function(context.handle)


def unrelated(context):
    try:
        return context.version()
    except AttributeError:
        return 0
