"""How far two results may differ, by quantity, each with its reason."""

# relative, float64: sums of up to some thousand terms in different orders
SUM_FLOAT64 = 1e-12
# relative, float64: the taps of db4 in PyWavelets are orthonormal to about 1e-11 only
WAVELET_PROJECTION = 1e-9
# absolute on [0, 1]: counts times gain plus offset round at 1e-16 of ~1e4, over a range of ~1e3
MINMAX_GAIN_OFFSET = 1e-13

# Silhouette, Calinski-Harabasz and SSD against scikit-learn in float64: ours sum in another order,
# and |x|² + |y|² − 2xy loses digits on near-equal traces; the product promises 1e-6.
METRIC_RTOL = 1e-6

# relative, against a published PSD printed with 9 digits
PSD_PUBLISHED = 1e-6
# relative, float64: a DFT coefficient sums 1e2…1e4 products, and may be small beside them
PSD_FLOAT64 = 1e-9
# absolute: β of one real quantum dot, as published with 4 digits
BETA_PUBLISHED = 0.005
# absolute: mean β of 50 noise traces; 0.016 is the bias of log_welch, 0.007 its standard error
BETA_SIMULATED = 0.03
# absolute: the same with a 30 % white floor, fitted with one; single traces scatter by 0.09
BETA_SIMULATED_FLOOR = 0.1
# relative, float64: closed-form least squares against SciPy's
OLS_FLOAT64 = 1e-9
# relative: likelihoods climb until 1e-9 is gained, within 1e-5 of a standard error of the top
SCORING = 1e-5
# relative: a standard error against the scatter of 400 fits (itself known to 3.5 %)
STDERR_CALIBRATION = 0.15
# relative: SSD of one run by two engines from the same start; cuML leaves a rare cluster empty
INERTIA_ENGINES = 0.01
# absolute on [0, 1]: means in another order round at 1e-16 of ~300 counts, over a range of > 1
BINNED_MINMAX = 1e-12
# relative to the largest count, float64: sums of 8…62 products a level, in another order
WAVELET_DEVICE = 1e-13
# absolute on [0, 1]: the same over a range of > 1 count
SMOOTHED_MINMAX = 1e-11
# relative: densities on the device against the twin, float64; sums in another order
PSD_DEVICE = 1e-10
# relative: mean densities of white noise of 300 to 1,000 frames, calculated in float32: rounding at
# 6e-8 of the largest of the terms; measured 7e-7 (log_welch), 5e-6 (welch)
PSD_DEVICE_FLOAT32 = 2e-5
# absolute: β from densities calculated in float32, f^(−β) noise with β up to 1.5; measured 9e-7
BETA_DEVICE_FLOAT32 = 1e-5
# absolute: Pearson correlations, float64: sums of 1e2…1e4 products in another order
PCC_FLOAT64 = 1e-12
# absolute: the same by products in float32, rounding at 6e-8 of 1; measured 2e-7
PCC_FLOAT32 = 2e-6
