"""Import all modules of a blinking study, which takes 1 to 3 s; workers do it once."""

import h5py
import pywt
import scipy.interpolate
import scipy.signal
import scipy.stats
import skimage.feature
import skimage.measure

import umlpsd_gpu.analyses.blinking.answer
import umlpsd_gpu.analyses.blinking.figures.plans
import umlpsd_gpu.analyses.blinking.find_movies
import umlpsd_gpu.analyses.blinking.map_files
import umlpsd_gpu.analyses.blinking.open
import umlpsd_gpu.analyses.blinking.page
import umlpsd_gpu.analyses.blinking.workflow

__all__ = ["h5py", "pywt", "scipy", "skimage", "umlpsd_gpu"]
