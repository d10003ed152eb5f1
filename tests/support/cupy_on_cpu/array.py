"""The device array: a NumPy array that NumPy cannot see."""

import numpy as np

from tests.support.cupy_on_cpu.memory import DEVICE

HOST_SCALARS = (bool, int, float, complex, np.generic)


class ndarray:
    """Holds a NumPy array in ``_host`` and passes on what CuPy's array has too."""

    __array_ufunc__ = None  # np.add(device_array, …) raises TypeError
    __hash__ = None

    def __init__(self, host):
        assert isinstance(host, np.ndarray)
        self._host = host
        self._device_id = DEVICE.current

    @property
    def device(self):
        from tests.support.cupy_on_cpu.cuda import Device

        return Device(self._device_id)

    def on_current_device(self):
        """Return the host array; an address of another device is invalid on the current one."""
        if self._device_id != DEVICE.current:
            raise RuntimeError(
                f"an array of device {self._device_id} on device {DEVICE.current}: illegal address"
            )
        return self._host

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion to a NumPy array; use cupy.asnumpy(array)")

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"np.{function.__name__} was called on a device array")

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: self._host.flags)
    T = property(lambda self: ndarray(self._host.T))

    @property
    def data(self):
        return MemoryPointer(self._host)

    def __len__(self):
        return len(self._host)

    def __repr__(self):
        return f"on device: {self._host!r}"

    def __bool__(self):
        return bool(self._host)

    def __int__(self):
        return int(self._host)

    def __float__(self):
        return float(self._host)

    def __getitem__(self, key):
        return wrapped(self._host[index_of(key)])

    def __setitem__(self, key, value):
        self._host[index_of(key)] = unwrapped(value)

    def get(self, out=None):
        if out is None:
            return self._host.copy()
        out[...] = self._host
        return out

    def set(self, host, stream=None):
        if host.dtype != self.dtype or host.shape != self.shape:
            raise ValueError("set: shape or type differ")
        if not self._host.flags.c_contiguous:
            raise RuntimeError("set: the array is not contiguous")
        self._host[...] = host


class MemoryPointer:
    """Where an array begins, and copies to there."""

    def __init__(self, host):
        self.ptr = host.ctypes.data
        self._host = host


def _passed_on(name):
    def method(self, *args, **kwargs):
        args = [unwrapped(a) for a in args]
        kwargs = {key: unwrapped(value) for key, value in kwargs.items()}
        return wrapped(getattr(self.on_current_device(), name)(*args, **kwargs))

    method.__name__ = name
    return method


for _name in """
    __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ __mul__ __rmul__ __imul__ __truediv__
    __rtruediv__ __itruediv__ __floordiv__ __mod__ __pow__ __neg__ __abs__ __invert__ __and__
    __rand__ __iand__ __or__ __ror__ __ior__ __xor__ __lt__ __le__ __gt__ __ge__ __eq__ __ne__
    __matmul__ sum mean var min max any all argmin argmax astype copy reshape ravel take transpose
    fill cumsum view item squeeze
""".split():  # noqa: SIM905
    setattr(ndarray, _name, _passed_on(_name))

ndarray.__module__ = "cupy"


def unwrapped(value):
    """Return the host array behind a device array; scalars as they are; NumPy arrays never."""
    if isinstance(value, ndarray):
        return value.on_current_device()
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'> among device arrays")
    if isinstance(value, list | tuple):
        return type(value)(unwrapped(v) for v in value)
    return value


def wrapped(value):
    """Return results as device arrays, scalars too: CuPy's reductions stay on the device."""
    if isinstance(value, np.ndarray):
        return ndarray(value)
    if isinstance(value, np.generic):
        return ndarray(np.asarray(value))
    if isinstance(value, tuple | list):
        return type(value)(wrapped(v) for v in value)
    return value


def index_of(key):
    """Return an index whose arrays are on the host; CuPy takes NumPy ones too."""
    if isinstance(key, tuple):
        return tuple(index_of(k) for k in key)
    return key._host if isinstance(key, ndarray) else key


def empty(shape, dtype=float, order="C"):
    host = np.empty(shape, dtype, order)
    DEVICE.take(host)
    if host.size:
        host.view(np.uint8).fill(0xFF) if host.ndim else host.fill(-1)
    return ndarray(host)


def empty_like(array, dtype=None):
    return empty(array.shape, dtype or array.dtype)


def asarray(value, dtype=None):
    if isinstance(value, ndarray):
        return ndarray(np.asarray(value._host, dtype))
    if hasattr(value, "__cuda_array_interface__"):
        return ndarray(_of_interface(value.__cuda_array_interface__))
    host = np.array(value, dtype=dtype, order="C")
    DEVICE.take(host)
    return ndarray(host)


def _of_interface(described):
    """Return the array behind a ``__cuda_array_interface__``, whose memory is shared."""
    holder = type("Holder", (), {"__array_interface__": described})
    return np.asarray(holder())


def from_dlpack(value):
    assert value.__dlpack_device__()[0] == 2, "not on a CUDA device"
    return ndarray(np.from_dlpack(value.host))


def ascontiguousarray(value, dtype=None):
    return ndarray(np.ascontiguousarray(asarray(value, dtype)._host))


def asnumpy(value):
    return value._host.copy() if isinstance(value, ndarray) else np.asarray(value)
