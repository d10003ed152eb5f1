"""What every study imports sooner or later: imported once, before processes are forked off.

Together they take 1 to 3 s, as long as many a study.
"""

import h5py
import kneed
import pywt
import scipy.interpolate
import scipy.signal
import scipy.stats
import skimage.feature
import skimage.measure

import umlpsd_gpu.analyses.blinking.figures.plans
import umlpsd_gpu.analyses.blinking.workflow
import umlpsd_gpu.report.page
import umlpsd_gpu.report.write_report

__all__ = ["h5py", "kneed", "pywt", "scipy", "skimage", "umlpsd_gpu"]
