"""Ten programs written both ways, for decision 0021: a block that closes what was taken, and none, which refuses.

Each pair gives the same answer. ``closing`` leaves ``with``; ``refusing`` lets go of all it holds and unloads, which is
what a block that refuses at its end would ask for. What only letting go needs is marked: each of these was seen to
raise InUse without it.
"""

from __future__ import annotations

import ctypes
import inspect
from collections.abc import Callable, Generator
from typing import Any

import pytest
from tests.library.children import run_child

from loadstone.errors import Closed
from loadstone.library import Library, ref

CRC = "unsigned long crc32(unsigned long, const unsigned char *, unsigned)"
ADLER = "unsigned long adler32(unsigned long, const unsigned char *, unsigned)"
ZLIB = f"{CRC}; {ADLER}; const char *zlibVersion(void);"
SORT = "typedef int (*compare)(const int *, const int *); void qsort(int *, unsigned long, unsigned long, compare);"
DIV = "typedef struct { int quot, rem; } div_t; div_t div(int, int);"


class Closing:
    def checksum(self) -> Any:
        with Library("z", 1) as z:
            crc32 = z.function(CRC)
            return crc32(0, b"abc", 3)

    def two_functions(self) -> Any:
        with Library("z", 1) as z:
            crc32, adler32 = z.function(CRC), z.function(ADLER)
            return crc32(0, b"a", 1), adler32(1, b"a", 1)

    def a_namespace(self) -> Any:
        with Library("z", 1) as z:
            names = z.declare(ZLIB)
            return names.zlibVersion()[:2], names.crc32(0, b"a", 1)

    def a_callback(self) -> Any:
        with Library("c", 6) as c:
            names, numbers = c.declare(SORT), bytearray(b"\2\0\0\0\1\0\0\0")
            by_value = names.compare(lambda a, b: a[0] - b[0])
            names.qsort(memoryview(numbers).cast("i"), 2, 4, by_value)
            return bytes(numbers)

    def a_struct(self) -> Any:
        with Library("c", 6) as c:
            result = c.declare(DIV).div(7, 2)
            return result.quot, result.rem

    def a_struct_that_is_kept(self) -> Any:
        with Library("c", 6) as c:
            result = c.declare(DIV).div(9, 2)
        return result.quot, result.rem

    def an_error_in_the_middle(self) -> Any:
        try:
            with Library("z", 1) as z:
                crc32 = z.function(CRC)
                raise KeyError(crc32(0, b"", 0))  # noqa: TRY301  what the program is about
        except KeyError as error:
            return error.args

    def a_generator(self) -> Any:
        def sums(parts: list[bytes]) -> Generator[int, None, None]:
            with Library("z", 1) as z:
                crc32 = z.function(CRC)
                for part in parts:
                    yield crc32(0, part, len(part))

        started = sums([b"a", b"b"])
        first = next(started)
        started.close()
        return first

    def a_class(self) -> Any:
        class Checksum:
            def __enter__(self) -> Any:
                self.library = Library("z", 1).load()
                self.crc32 = self.library.function(CRC)
                return self

            def __exit__(self, *error: Any) -> None:  # noqa: PYI036  they are handed on
                self.library.__exit__(*error)

        with Checksum() as made:
            return made.crc32(0, b"abc", 3)

    def an_out_parameter(self) -> Any:
        with Library("c", 6) as c:
            end, text = ref(), ctypes.create_string_buffer(b"12x")
            number = c.declare("long strtol(const char *, char **, int);").strtol(text, end, 10)
            return number, end.value


class Refusing:
    def checksum(self) -> Any:
        z = Library("z", 1).load()
        crc32 = z.function(CRC)
        result = crc32(0, b"abc", 3)
        del crc32  # let go
        z.unload()
        return result

    def two_functions(self) -> Any:
        z = Library("z", 1).load()
        crc32, adler32 = z.function(CRC), z.function(ADLER)
        result = crc32(0, b"a", 1), adler32(1, b"a", 1)
        del crc32, adler32  # let go
        z.unload()
        return result

    def a_namespace(self) -> Any:
        z = Library("z", 1).load()
        names = z.declare(ZLIB)
        result = names.zlibVersion()[:2], names.crc32(0, b"a", 1)
        del names  # let go
        z.unload()
        return result

    def a_callback(self) -> Any:
        c = Library("c", 6).load()
        names, numbers = c.declare(SORT), bytearray(b"\2\0\0\0\1\0\0\0")
        by_value = names.compare(lambda a, b: a[0] - b[0])
        names.qsort(memoryview(numbers).cast("i"), 2, 4, by_value)
        del names, by_value  # let go
        c.unload()
        return bytes(numbers)

    def a_struct(self) -> Any:
        c = Library("c", 6).load()
        result = c.declare(DIV).div(7, 2)
        c.unload()
        return result.quot, result.rem

    def a_struct_that_is_kept(self) -> Any:
        c = Library("c", 6).load()
        result = c.declare(DIV).div(9, 2)
        c.unload()
        return result.quot, result.rem

    def an_error_in_the_middle(self) -> Any:
        z = Library("z", 1).load()
        try:
            crc32 = z.function(CRC)
            raise KeyError(crc32(0, b"", 0))  # noqa: TRY301  what the program is about
        except KeyError as error:
            told = error.args
        del crc32  # let go
        z.unload()
        return told

    def a_generator(self) -> Any:
        def sums(parts: list[bytes]) -> Generator[int, None, None]:
            z = Library("z", 1).load()
            crc32 = z.function(CRC)
            try:  # let go
                for part in parts:
                    yield crc32(0, part, len(part))
            finally:  # let go
                del crc32  # let go
                z.unload()

        started = sums([b"a", b"b"])
        first = next(started)
        started.close()
        return first

    def a_class(self) -> Any:
        class Checksum:
            def __enter__(self) -> Any:
                self.library = Library("z", 1).load()
                self.crc32 = self.library.function(CRC)
                return self

            def __exit__(self, *error: object) -> None:
                del self.crc32  # let go
                self.library.unload()

        with Checksum() as made:
            return made.crc32(0, b"abc", 3)

    def an_out_parameter(self) -> Any:
        c = Library("c", 6).load()
        end, text = ref(), ctypes.create_string_buffer(b"12x")
        number = c.declare("long strtol(const char *, char **, int);").strtol(text, end, 10)
        c.unload()
        return number, end.value


PROGRAMS = [name for name in vars(Closing) if not name.startswith("_")]


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_ways_give_the_same(name: str) -> None:
    assert getattr(Closing(), name)() == getattr(Refusing(), name)()


def test_the_decision_counts_what_letting_go_costs() -> None:
    burdened = [name for name in PROGRAMS if "# let go" in inspect.getsource(getattr(Refusing, name))]
    assert (len(PROGRAMS), len(burdened)) == (10, 7)


MISTAKES: dict[str, Callable[[], Any]] = {
    "a function is returned from the block": lambda: _taken(lambda z: z.function(CRC))(0, b"", 0),
    "a namespace is returned from the block": lambda: _taken(lambda z: z.declare(ZLIB)).crc32(0, b"", 0),
}


def _taken(take: Callable[[Library], Any]) -> Any:
    with Library("z", 1) as z:
        return take(z)


@pytest.mark.parametrize("work", MISTAKES.values(), ids=MISTAKES)
def test_the_mistakes_are_told_where_they_are_made(work: Callable[[], Any]) -> None:
    with pytest.raises(Closed):
        work()


def test_outside_a_block_the_refusal_stays() -> None:
    said = run_child(  # in a process where no other handle holds zlib open
        """
        import sys
        from loadstone import Library
        from loadstone.errors import InUse
        z = Library("z", 1).load()
        crc32 = z.function(sys.argv[1])
        try:
            z.unload()
        except InUse:
            print("refused", crc32(0, b"", 0))
        with z:
            pass
        """,
        CRC,
    )
    assert said == "refused 0"
