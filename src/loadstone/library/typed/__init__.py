"""C declarations, and addresses as typed Python callables and data."""

import sys

_AGREEMENT = 2
"""Which arguments, letters and classes are agreed on with the extension; ``_fastcall.c`` has the same number."""

try:
    from loadstone.library.typed import _fastcall
except ImportError:
    pass  # not built, or not for this machine
else:
    if (found := getattr(_fastcall, "AGREEMENT", 1)) != _AGREEMENT:
        import warnings

        warnings.warn(
            f"{_fastcall.__file__} was built of other sources (agreement {found}, wanted {_AGREEMENT}), so calls go "
            "through ctypes: install Loadstone again to build it",
            RuntimeWarning,
            stacklevel=2,
        )
        sys.modules[_fastcall.__name__] = None  # type: ignore[assignment]  # from here on it is not to be imported
    del _fastcall, found
