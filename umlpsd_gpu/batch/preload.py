"""What every worker imports, whatever it analyses: imported once, before processes are forked off.

What an analysis needs on top it names itself (`umlpsd_gpu.analyses.protocol.Analysis.preload`).
"""

import h5py

import umlpsd_gpu.plotting.figures
import umlpsd_gpu.report.page
import umlpsd_gpu.report.write_report

__all__ = ["h5py", "umlpsd_gpu"]
