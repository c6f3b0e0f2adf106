from __future__ import annotations

from pathlib import Path

from src.utils.files import sha256_of


def test_it_is_the_published_hash_of_the_bytes(tmp_path: Path) -> None:
    """FIPS 180-2, appendix B.1."""
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    assert sha256_of(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
