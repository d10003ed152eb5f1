"""The simplest loops that could be right, to compare with; imports nothing of umlpsd_gpu."""


def bin_mean(values, frames_per_bin):
    """Mean over consecutive windows; the last one averages what it holds."""
    return [
        [
            sum(float(x) for x in trace[start : start + frames_per_bin])
            / len(trace[start : start + frames_per_bin])
            for start in range(0, len(trace), frames_per_bin)
        ]
        for trace in values
    ]
