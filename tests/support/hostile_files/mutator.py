"""Deterministic mutations of files: each seed of the random numbers gives the same mutant."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random

import numpy as np

# Numbers at which sizes, counts and offsets tip over
TIPPING = (0, 1, 2, 3, 7, 127, 128, 255, 256, 32767, 32768, 65535, 65536)
TIPPING += (2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
FORMATS = ("B", "H", "I", "Q")
TOKENS = (b"nan", b"1e999", b"-1e308", b"\0", b'"', b"\xff\xfe", b"\n", b"\r", b";", b",", b"'")
TOKENS += (b"9" * 40, b"[" * 50, b"{", b"=", b"\xf0\x9f\x98\x80", b"#", b"%", b"\t", b" ", b"e5")
TEXT_TOKENS = (b"", b"nan", b"1e999", b"-1e308", b"0", b"-1", b"inf", b"true", b"1e-320", b"x")
TEXT_TOKENS += (b"9" * 40, b"1,5", b"1.000", b"#", b'"', b"[", b"{}", b"12:30", "µs".encode())
# Most changed bytes of one run
LONGEST_RUN = 24


def mutate(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Return a blob with one to four mutations; the members of zip archives are also mutated."""
    if blob[:2] == b"PK" and random.random() < 0.7:
        changed = _mutate_member(blob, donors, random)
        if changed:
            return changed
    mutations = TEXT_MUTATIONS if _is_text(blob) and random.random() < 0.8 else MUTATIONS
    changed = blob
    for _ in range(random.choice((1, 1, 2, 4))):
        changed = random.choice(mutations)(changed, donors, random)
    return changed


def _mutate_member(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Mutate one member, and pack all of them again with checksums that fit."""
    members = dict(_members_of(blob))
    if not members:
        return b""
    name = random.choice(sorted(members))
    members[name] = mutate(members[name], donors, random)
    if random.random() < 0.05:
        del members[name]
    packed = io.BytesIO()
    way = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(packed, "w", way, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


@lru_cache(maxsize=64)
def _members_of(blob: bytes) -> tuple[tuple[str, bytes], ...]:
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        return tuple((name, archive.read(name)) for name in archive.namelist())


def _flip_bits(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    changed = bytearray(blob)
    for _ in range(random.randint(1, 6) if changed else 0):
        changed[_place(blob, random)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _write_run(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Overwrite some bytes in a row, with one value or random ones."""
    place, length = _place(blob, random), random.randint(1, LONGEST_RUN)
    same = bytes([random.choice((0, 255, 1, random.randrange(256)))])
    run = same * length if random.random() < 0.6 else random.randbytes(length)
    return blob[:place] + run + blob[place + length :]


def _write_number(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Write a number that tips something over, most often where the file has an offset."""
    places = _offsets_in(blob)
    place = random.choice(places) if places and random.random() < 0.7 else _place(blob, random)
    number = random.choice((*TIPPING, len(blob), len(blob) - 1, place, random.getrandbits(32)))
    form = random.choice("<>") + random.choice(FORMATS)
    size = struct.calcsize(form)
    number &= (1 << 8 * size) - 1
    return blob[:place] + struct.pack(form, number) + blob[place + size :]


def _cut(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    return blob[: random.randint(0, len(blob))]


def _drop_or_repeat(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Leave a piece out, or repeat it."""
    start = _place(blob, random)
    stop = min(len(blob), start + random.choice((1, 2, 4, 12, 60, 500)))
    piece = blob[start:stop] * random.choice((0, 0, 2, 30))
    return blob[:start] + piece + blob[stop:]


def _splice(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Put a piece of another file, or of this one, in place of as many bytes."""
    donor = random.choice((blob, *donors))
    start, length = _place(donor, random), random.choice((4, 8, 12, 20, 100, 1000))
    piece, place = donor[start : start + length], _place(blob, random)
    return blob[:place] + piece + blob[place + len(piece) :]


def _write_token(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    place, token = _place(blob, random), random.choice(TOKENS)
    return blob[:place] + token + blob[place + random.choice((0, len(token))) :]


def _write_word(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Replace a word or number by another of the file, or by one of the tokens."""
    words = list(re.finditer(rb"[\w.+-]+", blob))
    if not words:
        return blob
    old = random.choice(words)
    new = random.choice(words)[0] if random.random() < 0.5 else random.choice(TEXT_TOKENS)
    return blob[: old.start()] + new + blob[old.end() :]


def _move_lines(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Leave a line out, repeat it, or exchange two."""
    lines = blob.splitlines(keepends=True)
    if not lines:
        return blob
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one] * random.choice((0, 1, 1, 2))
    return b"".join(lines)


@lru_cache(maxsize=64)
def _is_text(blob: bytes) -> bool:
    return b"\0" not in blob and blob.isascii()


def _place(blob: bytes, random: Random) -> int:
    """Return a place, most often near the beginning or end, where files describe themselves."""
    if not blob:
        return 0
    where = random.random()
    if where < 0.4:
        return random.randrange(min(len(blob), 300))
    if where < 0.6:
        return len(blob) - 1 - random.randrange(min(len(blob), 400))
    return random.randrange(len(blob))


def _offsets_in(blob: bytes) -> list[int]:
    """Return the places that hold a number which could be an offset or a length."""
    found: set[int] = set()
    for shift in (0, 2):
        part = blob[shift : shift + (len(blob) - shift) // 4 * 4]
        for form in ("<u4", ">u4"):
            numbers = np.frombuffer(part, form)
            places = np.flatnonzero((numbers > 0) & (numbers <= len(blob)))
            found.update((4 * places + shift).tolist())
    return sorted(found)


Mutation = Callable[[bytes, Sequence[bytes], Random], bytes]
MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits,
    _flip_bits,
    _write_run,
    _write_number,
    _write_number,
    _write_number,
    _cut,
    _drop_or_repeat,
    _splice,
    _write_token,
)
TEXT_MUTATIONS: tuple[Mutation, ...] = (
    _write_word,
    _write_word,
    _write_word,
    _move_lines,
    _write_token,
    _drop_or_repeat,
    _cut,
)
