from typing import Any, Self

AGREEMENT: int

def memory_of(value: object) -> int: ...

class Life:
    is_open: int
    calls: int
    file_name: str
    def __new__(cls, file_name: str) -> Self: ...
    def enter(self) -> bool: ...
    def leave(self) -> None: ...
    def close(self) -> int: ...
    def reopen(self) -> None: ...

class Address:
    address: int
    life: Life
    def __new__(cls, address: int, life: Life) -> Self: ...

class Function:
    owner: object
    pointer: Any
    code: int
    signature: Any
    def __new__(
        cls,
        address: int,
        slow: Any,
        owner: object,
        life: Life,
        special: tuple[type, ...],
        name: str,
        doc: str,
        result: str,
        kinds: str,
        classes: tuple[Any, ...],
        keep_gil: bool,
        keep_errno: Any,
    ) -> Self: ...
    def __call__(self, *args: Any) -> Any: ...

class Callback:
    kind: Any
    code: int
    function: Any
    def __new__(
        cls,
        function: Any,
        kind: Any,
        doc: str,
        result: str,
        result_words: str,
        kinds: str,
        classes: tuple[Any, ...],
        convert: Any,
        life: Life,
        on_error: Any,
        fallback: Any,
    ) -> Self: ...
