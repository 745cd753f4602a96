"""Hot-plug notices of libusb."""
import ctypes

NOTICE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
usb = ctypes.CDLL("libusb-1.0.so.0")
usb.libusb_init.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
usb.libusb_init.restype = ctypes.c_int
usb.libusb_exit.argtypes = [ctypes.c_void_p]
usb.libusb_exit.restype = None
usb.libusb_hotplug_register_callback.restype = ctypes.c_int
usb.libusb_hotplug_register_callback.argtypes = [
    ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, NOTICE,
    ctypes.c_void_p, ctypes.c_void_p]
usb.libusb_handle_events.argtypes = [ctypes.c_void_p]
usb.libusb_handle_events.restype = ctypes.c_int


def watch(heard):
    context = ctypes.c_void_p()
    if usb.libusb_init(ctypes.byref(context)) != 0:
        raise OSError("libusb_init")
    notice = NOTICE(lambda ctx, dev, event, data: heard(event) or 0)
    rc = usb.libusb_hotplug_register_callback(context, 1, 0, -1, -1, -1, notice, None, None)
    if rc != 0:
        usb.libusb_exit(context)
        raise OSError(rc)
    try:
        while usb.libusb_handle_events(context) == 0:
            pass
    finally:
        usb.libusb_exit(context)
