"""The C library's qsort, comparing in Python."""

from array import array
from ctypes import POINTER, c_int, cast

from loadstone import Library

libc = Library("c", version=6)
qsort = libc.function("void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))")


def compare(left: int, right: int) -> int:
    """Below, equal or above 0, as qsort(3) wants it; the arguments are addresses."""
    one, other = (cast(address, POINTER(c_int))[0] for address in (left, right))
    return (one > other) - (one < other)


numbers = array("i", [5, 3, 9, 1, 7])
by_value = libc.callback("int compare(const void *, const void *)", compare)
qsort(numbers, len(numbers), numbers.itemsize, by_value)
print(list(numbers))
