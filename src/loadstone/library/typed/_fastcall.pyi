from typing import Any, Self

INTEGERS: int
FLOATS: int
STACK: int

class Function:
    owner: object
    pointer: Any
    def __new__(
        cls,
        address: int,
        slow: Any,
        owner: object,
        special: tuple[type, ...],
        name: str,
        doc: str,
        result: str,
        kinds: str,
        keep_gil: bool,
    ) -> Self: ...
    def __call__(self, *args: Any) -> Any: ...
