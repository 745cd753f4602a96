"""OpenSSL: find the library first, see where it came from, then hash with it."""

from ctypes import c_uint

from loadstone import Library, find

where = find("crypto", version=3)
print(f"libcrypto is {where.path} (found by {where.how})")

crypto = Library(where.path)
digest = crypto.declare("""
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
int EVP_Digest(const void *data, size_t count, unsigned char *md, unsigned int *size, const EVP_MD *type, void *engine);
""")
result, size = bytearray(64), c_uint()
assert digest.EVP_Digest(b"abc", 3, result, size, digest.EVP_sha256(), None) == 1
print(result[: size.value].hex())
