"""Directory sync: LDAP library by ctypes with unbind on every path."""
import contextlib
import ctypes

_ldap = ctypes.CDLL("libldap.so.2")
_ldap.ldap_initialize.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p]
_ldap.ldap_initialize.restype = ctypes.c_int
_ldap.ldap_unbind_ext_s.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_ldap.ldap_unbind_ext_s.restype = ctypes.c_int
_ldap.ldap_err2string.argtypes = [ctypes.c_int]
_ldap.ldap_err2string.restype = ctypes.c_char_p
_ldap.ldap_whoami_s.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_void_p]
_ldap.ldap_whoami_s.restype = ctypes.c_int
_lber = ctypes.CDLL("liblber.so.2")
_lber.ber_bvfree.argtypes = [ctypes.c_void_p]
_lber.ber_bvfree.restype = None


class LdapError(Exception):
    pass


class Berval(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ulong), ("value", ctypes.c_void_p)]


def _ok(code):
    if code:
        raise LdapError((_ldap.ldap_err2string(code) or b"").decode())


@contextlib.contextmanager
def connection(uri):
    handle = ctypes.c_void_p()
    _ok(_ldap.ldap_initialize(ctypes.byref(handle), uri.encode()))
    try:
        yield handle
    finally:
        _ldap.ldap_unbind_ext_s(handle, None, None)


def whoami(handle):
    out = ctypes.c_void_p()
    _ok(_ldap.ldap_whoami_s(handle, ctypes.byref(out), None, None))
    if not out:
        return ""
    try:
        value = ctypes.cast(out, ctypes.POINTER(Berval)).contents
        if not value.value:
            return ""
        return ctypes.string_at(value.value, value.length).decode()
    finally:
        _lber.ber_bvfree(out)
