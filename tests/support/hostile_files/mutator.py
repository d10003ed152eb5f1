"""Deterministic mutations of files: each seed of the random numbers gives the same mutant."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

# Numbers at which sizes, counts and offsets tip over
TIPPING = (0, 1, 2, 3, 7, 127, 128, 255, 256, 32767, 32768, 65535, 65536)
TIPPING += (2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
FORMATS = ("B", "H", "I", "Q")
TOKENS = (b"nan", b"1e999", b"-1e308", b"\0", b'"', b"\xff\xfe", b"\n", b"\r", b";", b",", b"'")
TOKENS += (b"9" * 40, b"[" * 50, b"{", b"=", b"\xf0\x9f\x98\x80", b"#", b"%", b"\t", b" ", b"e5")
# Most changed bytes of one run
LONGEST_RUN = 24


def mutate(blob: bytes, donors: Sequence[bytes], random: Random) -> bytes:
    """Return a blob with one to four mutations; the members of zip archives are also mutated."""
    if blob[:2] == b"PK" and random.random() < 0.7:
        changed = _mutate_member(blob, donors, random)
        if changed:
            return changed
    changed = blob
    for _ in range(random.choice((1, 1, 2, 4))):
        changed = random.choice(MUTATIONS)(changed, donors, random)
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


@cache
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


@cache
def _offsets_in(blob: bytes) -> tuple[int, ...]:
    """Return the places that hold a number which could be an offset or a length."""
    if len(blob) > 100_000:
        return ()
    found = []
    for place in range(0, len(blob) - 3, 2):
        for form in ("<I", ">I"):
            if 0 < struct.unpack_from(form, blob, place)[0] <= len(blob):
                found.append(place)
                break
    return tuple(found)


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
