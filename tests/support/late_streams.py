"""Streams for the stand-in that work as late as they may: missing waits give wrong results.

The stand-in does everything at once, which no order of events can go wrong with. Here a launch or
an asynchronous copy only queues up, and runs when the host or another stream waits for it; the
streams named eager run at once what waits for nothing undone.
"""

from collections import deque


class LateStreams:
    """Takes the place of the stand-in's streams and events.

    Parameters
    ----------
    cupy : module
        The stand-in.
    monkeypatch : pytest.MonkeyPatch
    eager : collection of str
        Of ``"computing"``, the current stream, and ``"copying"``, every other.
    ignored : collection of str
        Waits that have no effect, as if they were missing: ``"event.synchronize"``,
        ``"computing.wait_event"``, ``"copying.wait_event"``.
    """

    def __init__(self, cupy, monkeypatch, eager=(), ignored=()):
        self.eager, self.ignored, self.streams = set(eager), set(ignored), []
        self.computing = self.new_stream("computing")
        real_set, real_asnumpy = cupy.ndarray.set, cupy.asnumpy
        launch = cupy.raw.RawKernel.__call__

        def late_set(array, host, stream=None):
            (stream or self.computing).queue(lambda: real_set(array, host))
            if stream is None:
                self.computing.synchronize()

        def late_launch(kernel, *args, **kwargs):
            self.computing.queue(lambda: launch(kernel, *args, **kwargs))

        def asnumpy(array):
            self.computing.synchronize()
            return real_asnumpy(array)

        monkeypatch.setattr(cupy.ndarray, "set", late_set)
        monkeypatch.setattr(cupy.raw.RawKernel, "__call__", late_launch)
        monkeypatch.setattr(cupy, "asnumpy", asnumpy)
        monkeypatch.setattr(cupy.cuda, "get_current_stream", lambda: self.computing)
        monkeypatch.setattr(cupy.cuda, "Stream", lambda non_blocking: self.new_stream("copying"))
        monkeypatch.setattr(cupy.cuda, "Event", lambda **options: Event(self))

    def new_stream(self, name):
        self.streams.append(Stream(self, name))
        return self.streams[-1]

    def run_eager(self):
        """Let eager streams go on until each waits for something undone."""
        progress = True
        while progress:
            progress = any(stream.run_one() for stream in self.streams if stream.name in self.eager)


class Stream:
    def __init__(self, world, name):
        self.world, self.name = world, name
        self.work, self.n_queued, self.n_done = deque(), 0, 0

    def queue(self, work, after=None):
        self.work.append((work, after))
        self.n_queued += 1
        self.world.run_eager()

    def wait_event(self, event):
        if f"{self.name}.wait_event" not in self.world.ignored:
            self.queue(lambda: None, after=event.point)

    def run_one(self):
        """Do the next piece of work unless it waits for something undone; say whether it did."""
        if not self.work or not is_done(self.work[0][1]):
            return False
        self.work.popleft()[0]()
        self.n_done += 1
        return True

    def run_until(self, n_done):
        while self.n_done < n_done:
            force(self.work[0][1])
            assert self.run_one()

    def synchronize(self):
        self.run_until(self.n_queued)
        self.world.run_eager()


class Event:
    def __init__(self, world):
        self.world, self.point = world, None

    def record(self, stream):
        self.point = (stream, stream.n_queued)

    def synchronize(self):
        if "event.synchronize" not in self.world.ignored:
            force(self.point)
            self.world.run_eager()


def is_done(point):
    return point is None or point[0].n_done >= point[1]


def force(point):
    if point is not None:
        point[0].run_until(point[1])
