"""Write files as DigitalMicrograph does, for the tests of their reader."""

import struct

import numpy as np

CODES = {"i2": 2, "i4": 3, "u2": 4, "u4": 5, "f4": 6, "f8": 7, "u1": 8, "i1": 10}
IMAGE_TYPES = {"i2": 1, "f4": 2, "u1": 6, "i4": 7, "i1": 9, "u2": 10, "u4": 11, "f8": 12}


class Writer:
    """Encodes a tree of dicts; numbers, texts and arrays are its leaves."""

    def __init__(self, version, order):
        self.long = ">i" if version == 3 else ">q"
        self.version, self.order = version, order

    def file(self, tree):
        body = self.group(tree)
        head = struct.pack(">i", self.version) + struct.pack(self.long, len(body))
        return head + struct.pack(">i", self.order == "<") + body + bytes(8)

    def group(self, tree):
        entries = [self.entry(name, value) for name, value in tree.items()]
        return b"\1\0" + struct.pack(self.long, len(entries)) + b"".join(entries)

    def entry(self, name, value):
        # the parts of a list have no names
        label = b"" if name.startswith("#") else name.encode("latin-1")
        kind = 20 if isinstance(value, dict) else 21
        body = self.group(value) if kind == 20 else self.leaf(value)
        size = struct.pack(">q", len(body)) if self.version == 4 else b""
        return struct.pack(">BH", kind, len(label)) + label + size + body

    def leaf(self, value):
        if isinstance(value, str):
            codes, data = [20, 4, len(value)], value.encode("utf-16-le")
        elif isinstance(value, tuple):  # a struct of two 16-bit numbers, as sizes are
            codes, data = [15, 0, 2, 0, 2, 0, 2], np.array(value, self.order + "i2").tobytes()
        else:
            array = np.asarray(value)
            code = CODES[array.dtype.str[1:]]
            data = array.astype(array.dtype.newbyteorder(self.order)).tobytes()
            codes = [code] if array.ndim == 0 else [20, code, array.size]
        packed = struct.pack(f"{self.long[0]}{len(codes)}{self.long[1]}", *codes)
        return b"%%%%" + struct.pack(self.long, len(codes)) + packed + data


def image_tags(image, scale=(0.25, 0.25), units=("nm", "nm"), name="picture"):
    """Return the tags of an image."""
    axes = {
        f"#{i}": {"Origin": np.float32(0), "Scale": np.float32(each), "Units": unit}
        for i, (each, unit) in enumerate(zip(scale, units, strict=True))
    }
    sizes = {f"#{i}": np.uint32(size) for i, size in enumerate(image.shape[::-1])}
    data = {
        "Calibrations": {"Dimension": axes},
        "Data": image.reshape(-1),
        "DataType": np.uint32(IMAGE_TYPES[image.dtype.str[1:]]),
        "Dimensions": sizes,
        "PixelDepth": np.uint32(image.dtype.itemsize),
    }
    return {"ImageData": data, "ImageTags": {"Made": "by a test"}, "Name": name}


def write_dm(path, *images, version=3, order="<", **more):
    """Write images as a .dm3 or .dm4 file, after a thumbnail; return the path."""
    thumbnail = image_tags(np.zeros((4, 4), np.uint32), name="")
    thumbnail["ImageData"]["DataType"] = np.uint32(23)
    listed = [thumbnail, *(i if isinstance(i, dict) else image_tags(i, **more) for i in images)]
    tree = {
        "ApplicationBounds": (1, 2),
        "DocumentObjectList": {
            "#0": {"ImageDisplayType": np.uint32(1), "ImageSource": np.uint32(0)}
        },
        "ImageList": {f"#{i}": each for i, each in enumerate(listed)},
        "ImageSourceList": {"#0": {"ClassName": "ImageSource:Simple", "ImageRef": np.uint32(1)}},
        "Thumbnails": {"#0": {"ImageIndex": np.uint32(0)}},
    }
    path.write_bytes(Writer(version, order).file(tree))
    return path
