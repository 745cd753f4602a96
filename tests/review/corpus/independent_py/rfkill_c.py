"""Bluetooth adapters through libbluetooth; sockets closed, names bounded."""
import ctypes
import ctypes.util
import os
import socket
from contextlib import closing

_name = ctypes.util.find_library("bluetooth")
if not _name:
    raise ImportError("libbluetooth is needed")
_bt = ctypes.CDLL(_name, use_errno=True)
_bt.hci_open_dev.argtypes = [ctypes.c_int]
_bt.hci_open_dev.restype = ctypes.c_int
_bt.hci_read_local_name.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
_bt.hci_read_local_name.restype = ctypes.c_int


def adapter_name(number):
    fd = _bt.hci_open_dev(number)
    if fd < 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))
    with closing(socket.socket(fileno=fd)):
        room = ctypes.create_string_buffer(249)
        if _bt.hci_read_local_name(fd, len(room), room, 1000) < 0:
            err = ctypes.get_errno()
            raise OSError(err, os.strerror(err))
        return room.value.decode("utf-8", "replace")
