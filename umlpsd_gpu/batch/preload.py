"""What every worker imports for any analysis: imported once, before worker processes are forked.

An analysis names its own modules in `umlpsd_gpu.analyses.protocol.Analysis.preload`.
"""

import h5py

import umlpsd_gpu.plotting.figures
import umlpsd_gpu.report.explorer_section
import umlpsd_gpu.report.page
import umlpsd_gpu.report.write_report

__all__ = ["h5py", "umlpsd_gpu"]
