"""Write files as Omicron MATRIX does, for the tests of their reader."""

import struct

import numpy as np

MAGIC = b"ONTMATRX0101"
WITHOUT_TIME = ("XFER", "DICT", "DESC", "DATA")


def _text(text):
    return struct.pack("<L", len(text)) + text.encode("utf-16-le")


def _value(value):
    if isinstance(value, bool):
        return b"LOOB" + struct.pack("<L", value)
    if isinstance(value, int):
        return b"GNOL" + struct.pack("<l", value)
    return b"BUOD" + struct.pack("<d", value)


def _block(name, payload):
    time = b"" if name in WITHOUT_TIME else bytes(8)
    return name[::-1].encode() + struct.pack("<L", len(payload)) + time + payload


def write_matrix(folder, currents, bias, factor=1e12, place=None, scanner=None, reversal=False):
    """Write a curve or a volume and its parameter file; return the path of the curves.

    ``currents`` is stored as whole numbers of 1/factor A, in the order of the recording.
    """
    path = folder / "map--4_1.I(V)_mtrx"
    device = {
        "Device_1_Start": (float(bias[0]), "Volt"),
        "Device_1_End": (float(bias[-1]), "Volt"),
        "Device_1_Points": (len(bias), "--"),
        "Enable_Device_1_Ramp_Reversal": (reversal, "--"),
    }
    scan = {"Enable_Subgrid": (scanner is not None, "--")}
    scan |= {name: (value, "--") for name, value in (scanner or {}).items()}
    parameters = b""
    for group, values in {"Spectroscopy": device, "XYScanner": scan}.items():
        parameters += _text(group) + struct.pack("<L", len(values))
        for name, (value, unit) in values.items():
            parameters += _text(name) + _text(unit) + bytes(4) + _value(value)
    channel = bytes(4) + struct.pack("<L", 7) + bytes(8) + _text("I(V)") + _text("Ampere")
    identity = bytes(8) + bytes(4) + struct.pack("<L", 7) + _text("Aux")
    dictionary = bytes(8) + struct.pack("<LL", 0, 1) + channel + struct.pack("<L", 1) + identity
    linear = _text("Factor") + _value(float(factor)) + _text("Offset") + _value(0.0)
    transfer = bytes(4) + struct.pack("<L", 7) + _text("TFF_Linear1D") + _text("A")
    transfer += struct.pack("<L", 2) + linear
    known = bytes(4) + _block("DICT", dictionary) + _block("XFER", transfer)
    content = MAGIC + _block("EEPA", bytes(4) + struct.pack("<L", 2) + parameters)
    if place is not None:
        mark = f"MTRX$STS_LOCATION-3,4;{place[0]},{place[1]}%%0-1-1-0%%"
        content += _block("MARK", _text(mark))
    content += _block("CCSY", known) + _block("BREF", bytes(4) + _text(path.name))
    (folder / "map_0001.mtrx").write_bytes(content)
    numbers = np.round(np.ravel(currents) * factor).astype("<i4")
    described = bytes(20) + struct.pack("<ii", numbers.size, numbers.size)
    inner = bytes(4) + _block("DESC", described) + _block("DATA", numbers.tobytes())
    path.write_bytes(MAGIC + _block("BKLT", inner))
    return path
