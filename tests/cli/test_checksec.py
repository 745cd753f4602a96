"""The table of one row a file: the columns of checksec, in the order of the files, what could not be read apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.binary import macho_inputs, pe_inputs
from tests.conftest import Compile

from loadstone.cli.main import main


def test_each_file_has_one_row_under_the_columns_of_its_format(
    compile_library: Compile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = '#include <stdio.h>\nvoid f(void) { puts(""); }'
    lazy = compile_library(source, "liblazy.so", "-Wl,-z,lazy", "-Wl,-z,relro")
    full = compile_library(source, "libfull.so", "-Wl,-z,now", "-Wl,-z,relro")
    dll, dylib, text = tmp_path / "a.dll", tmp_path / "b.dylib", tmp_path / "c.txt"
    dll.write_bytes(pe_inputs.everything(64).build())
    dylib.write_bytes(macho_inputs.everything().build())
    text.write_text("nothing")
    with pytest.raises(SystemExit) as ended:
        main(["inspect", "--checksec", *map(str, (lazy, dll, full, dylib, text))])
    assert ended.value.code == 3
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split()[0] == "RELRO"
    assert (lines[1][:13], lines[1].split()[-1]) == ("Partial RELRO", str(lazy))
    assert (lines[2][:10], lines[2].split()[-1]) == ("Full RELRO", str(full))
    assert " DSO " in lines[2]
    assert any(line.startswith("ASLR (DYNAMIC_BASE)") and line.endswith(str(dll)) for line in lines)
    assert any(line.endswith(str(dylib)) for line in lines)
    assert "plain text" in err
