"""zlib: a buffer in, a number out; and a buffer that C fills."""

from loadstone import Library

with Library("z", version=1) as z:
    crc32 = z.function("unsigned long crc32(unsigned long, const unsigned char *, unsigned)")
    compress = z.function(
        "int compress(unsigned char *dest, unsigned long *dest_len, const unsigned char *source, unsigned long size)"
    )
    uncompress = z.function(
        "int uncompress(unsigned char *dest, unsigned long *dest_len, const unsigned char *source, unsigned long size)"
    )

    text = b"loadstone " * 100
    print(f"crc32: {crc32(0, text, len(text)):#x}")

    from ctypes import c_ulong

    packed, size = bytearray(2000), c_ulong(2000)
    assert compress(packed, size, text, len(text)) == 0
    print(f"{len(text)} bytes became {size.value}")

    back, whole = bytearray(2000), c_ulong(2000)
    assert uncompress(back, whole, packed, size.value) == 0
    assert bytes(back[: whole.value]) == text

    del crc32, compress, uncompress  # while a function lives, its library cannot be unloaded
