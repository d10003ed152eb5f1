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
