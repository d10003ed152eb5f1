"""The work of a process in the drawing pool: import matplotlib, then draw what it receives."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from typing import Any, BinaryIO


def main() -> None:
    """Answer calls from standard input on standard output until the input is closed."""
    # the command line handles signals and ends this process; SIGTTOU would stop it at a warning
    for name in ("SIGINT", "SIGTTOU"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # keep printed text out of the answers
    warming = threading.Thread(target=_warm_up)
    warming.start()
    warming.join()
    try:
        _send(answers, (True, None))
        while True:
            _send(answers, _answer(*pickle.load(sys.stdin.buffer)))
    except (EOFError, BrokenPipeError):
        # the rest of the buffer has no reader either
        os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())


def _warm_up() -> None:
    """Import what drawing needs, and load the fonts, at low priority while the analysis runs."""
    if sys.platform == "linux":
        # only this thread; drawing later has normal priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
    from matplotlib.figure import Figure

    from umlpsd_gpu.plotting.style import house_style, render

    with house_style():
        figure = Figure()
        figure.add_subplot(title=r"Title, $10^{-1}$")
        render(figure)


def _answer(call: Any, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, call(*arguments)
    except Exception as error:  # raised in the calling process
        return False, error


def _send(answers: BinaryIO, answer: tuple[bool, Any]) -> None:
    answers.write(pickle.dumps(answer))
    answers.flush()
