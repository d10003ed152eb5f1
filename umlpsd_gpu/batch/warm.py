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

import umlpsd_gpu.report.figures
import umlpsd_gpu.report.files
import umlpsd_gpu.report.html
import umlpsd_gpu.study.workflow

__all__ = ["h5py", "kneed", "pywt", "scipy", "skimage", "umlpsd_gpu"]
