"""Indexes of repositories lead to the packages beside them, with the names and versions they give."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from loadstone.errors import Unreadable
from loadstone.fleet.inputs import ScanInput
from loadstone.fleet.sources import inputs_of

DIGEST = "ab" * 32

PRIMARY = f"""<?xml version="1.0"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="2">
<package type="rpm"><name>demo</name><arch>x86_64</arch><version epoch="1" ver="2.0" rel="3.el9"/>
<checksum type="sha256" pkgid="YES">{DIGEST}</checksum><location href="Packages/d/demo-2.0-3.el9.x86_64.rpm"/></package>
<package type="rpm"><name>out</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/>
<location href="../../out.rpm"/></package>
</metadata>"""

REPOMD = """<?xml version="1.0"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="filelists"><location href="repodata/none.xml"/></data>
<data type="primary"><location href="repodata/primary.xml{end}"/></data></repomd>"""


def write(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def one(index: Path) -> ScanInput:
    (found,) = inputs_of([str(index)])
    return found


@pytest.mark.parametrize(("end", "pack"), [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress)])
def test_an_rpm_repository(end: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    root = tmp_path / "repository"
    package = write(root / "Packages/d/demo-2.0-3.el9.x86_64.rpm")
    write(tmp_path.parent / "out.rpm")
    write(root / f"repodata/primary.xml{end}", pack(PRIMARY.encode()))
    found = one(write(root / "repodata/repomd.xml", REPOMD.format(end=end).encode()))
    assert (found.location, found.stamp) == (str(package), DIGEST)
    assert (found.package.name, found.package.version, found.package.architecture) == ("demo", "1:2.0-3.el9", "x86_64")


@pytest.mark.parametrize("text", ["<repomd", '<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>', ""])
def test_an_rpm_index_that_is_none_says_so(text: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        list(inputs_of([str(write(tmp_path / "repodata/repomd.xml", text.encode()))]))


def blob(folder: Path, data: object) -> str:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    digest = hashlib.sha256(text).hexdigest()
    write(folder / "blobs/sha256" / digest, text)
    return f"sha256:{digest}"


def image(
    folder: Path, architecture: str, media: str = "application/vnd.oci.image.layer.v1.tar+gzip"
) -> dict[str, object]:
    layer = {"mediaType": media, "digest": blob(folder, architecture.encode())}
    config = {"digest": blob(folder, {"architecture": architecture, "os": "linux"})}
    return {"digest": blob(folder, {"config": config, "layers": [layer]})}


def test_a_layout_of_images_is_one_input_for_each_image_and_system(tmp_path: Path) -> None:
    folder = tmp_path / "registry/app"
    systems = [
        image(folder, "amd64"),
        {**image(folder, "arm64"), "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        {**image(folder, "x"), "platform": {"os": "windows", "architecture": "amd64"}},
        {**image(folder, "unknown", "application/vnd.in-toto+json"), "platform": {"architecture": "unknown"}},
    ]
    named = {"org.opencontainers.image.ref.name": "example.org:5000/app:1.2"}
    tagged = {**image(folder, "amd64"), "annotations": {"org.opencontainers.image.ref.name": "slim"}}
    index = {"manifests": [{"digest": blob(folder, {"manifests": systems}), "annotations": named}, tagged]}
    write(folder / "index.json", json.dumps(index).encode())
    write(folder / "beside.so")
    write(folder / "oci-layout", b"{}")
    found = list(inputs_of([str(tmp_path)]))
    assert sorted((one.package.name, one.package.version, one.package.architecture) for one in found) == [
        ("", "", ""), ("", "", ""), ("", "", ""),
        ("app", "slim", "amd64"),
        ("example.org:5000/app", "1.2", "amd64"),
        ("example.org:5000/app", "1.2", "arm64/v8"),
        ("example.org:5000/app", "1.2", "windows-amd64"),
    ]  # fmt: skip
    assert len({one.stamp for one in found}) == len(found)
    assert one_of_layout(folder) == one_of_layout(folder / "oci-layout")


def one_of_layout(place: Path) -> set[str]:
    return {found.location for found in inputs_of([str(place)]) if "/blobs/" in found.location}


@pytest.mark.parametrize("index", ["", "[]", '{"manifests": [{"digest": "sha256:../../x"}]}', '{"manifests": 3}'])
def test_a_layout_whose_index_is_none_says_so(index: str, tmp_path: Path) -> None:
    write(tmp_path / "index.json", index.encode())
    with pytest.raises(Unreadable):
        list(inputs_of([str(write(tmp_path / "oci-layout", b"{}"))]))


@pytest.mark.parametrize(("end", "pack"), [("", bytes), (".bz2", bz2.compress)])
def test_a_conda_channel(end: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    packages = {
        "b-1-0.conda": {"name": "b", "version": "1", "subdir": "linux-64", "sha256": DIGEST},
        "gone-1-0.conda": {},
    }
    told = {"info": {}, "packages": {"a-2-0.tar.bz2": {"name": "a", "version": "2"}}, "packages.conda": packages}
    write(tmp_path / "a-2-0.tar.bz2")
    write(tmp_path / "b-1-0.conda")
    index = write(tmp_path / f"repodata.json{end}", pack(json.dumps(told).encode()))
    found = list(inputs_of([str(index)]))
    assert [(one.package.name, one.package.version) for one in found] == [("a", "2"), ("b", "1")]
    assert found[1].stamp == DIGEST


@pytest.mark.parametrize("text", ["[]", '{"packages": 3}', '{"packages": {"a": 1}}'])
def test_a_conda_index_of_something_else_lists_nothing(text: str, tmp_path: Path) -> None:
    assert list(inputs_of([str(write(tmp_path / "repodata.json", text.encode()))])) == []


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_a_conda_index_that_is_no_json_says_so(text: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"repodata\.json"):
        list(inputs_of([str(write(tmp_path / "repodata.json", text.encode()))]))


def test_a_debian_index_packed_with_xz(tmp_path: Path) -> None:
    package = write(tmp_path / "pool/demo_1_amd64.deb")
    text = f"Package: demo\nVersion: 1:1\nArchitecture: amd64\nFilename: pool/demo_1_amd64.deb\nSHA256: {DIGEST}\n"
    found = one(write(tmp_path / "dists/x/Packages.xz", lzma.compress(text.encode())))
    assert (found.location, found.stamp, found.package.version) == (str(package), DIGEST, "1:1")


def test_a_simple_index_as_json(tmp_path: Path) -> None:
    wheel = write(tmp_path / "packages" / "demo-1.0-py3-none-manylinux_2_17_x86_64.whl")
    url = f"../../packages/{wheel.name}"
    files = [
        {"filename": wheel.name, "url": url, "hashes": {"sha256": DIGEST}},
        {"filename": "elsewhere.whl", "url": "https://example.org/elsewhere.whl", "hashes": {}},
        {"filename": "demo-1.0.tar.gz", "url": "../../packages/demo-1.0.tar.gz", "hashes": "none"},
        "noise",
    ]
    told = {"meta": {"api-version": "1.0"}, "name": "demo", "files": files}
    write(tmp_path / "simple/demo/index.v1_json", json.dumps(told).encode())
    listed = {"projects": [{"name": "demo"}, {"name": "../out"}, {"name": ""}, 7]}
    found = one(write(tmp_path / "simple/index.v1_json", json.dumps(listed).encode()))
    assert (found.stamp, found.package.name, found.package.version) == (DIGEST, "demo", "1.0")
