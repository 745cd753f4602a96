import cffi

ffi = cffi.FFI()
ffi.cdef("""
    typedef struct modem modem;
    int md_send(modem *, const char *text);
    int md_read(modem *, unsigned index, char *text);
    int md_delete(modem *, unsigned index);
    int md_count(modem *);
""")
lib = ffi.dlopen("/usr/lib/modem/libmodem.so.4")


def send(modem, text):
    if lib.md_send(modem, text) != 0:
        raise OSError("send")


def take(modem, index):
    text = ffi.new("char[160]")
    if lib.md_read(modem, index, text) != 0:
        raise OSError("read")
    lib.md_delete(modem, index)  #! CWE-252
    return ffi.string(text)


def take_all(modem, index):
    text = ffi.new("char[160]")
    if lib.md_read(modem, index, text) != 0:
        raise OSError("read")
    if lib.md_delete(modem, index) != 0:  #! none CWE-252
        raise OSError("delete")
    return ffi.string(text)
