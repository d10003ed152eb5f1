"""Labels of every sweep, numbered so that colours stay; the decided ones are the final ones."""

import numpy as np
from sklearn.metrics import adjusted_rand_score

from tests.support.studies import make_study
from umlpsd_gpu.analyses.saved_labels import saved_labellings


def test_labels_and_metrics_of_every_view_and_k():
    study = make_study(n_traces=23, n_frames=160, k_max=5)
    is_swept = study.clustered
    labels = study.labels.copy()
    # an item that was swept and belongs to no class
    labels[0] = 0
    found = saved_labellings(study.sweeps, study.decision, labels, is_swept, "Smoothing scale")
    assert found.views == tuple(sweep.scale for sweep in study.sweeps)
    assert not found.labels[:, :, ~is_swept].any()
    np.testing.assert_array_equal(found.labels[found.view, found.k], labels)
    assert (found.views[found.view], found.k_values[found.k]) == ("W80", 3)
    for view, sweep in enumerate(study.sweeps):
        for k, k_value in enumerate(found.k_values):
            if (view, k) == (found.view, found.k):
                continue
            shown = found.labels[view, k, is_swept]
            best = sweep.labels[k, sweep.ssd[k].argmin()]
            assert adjusted_rand_score(best, shown) == 1
            assert shown.min() >= 1
            assert len(np.unique(shown)) == len(np.unique(best)) <= k_value
    ssd = next(m for m in found.metrics if m.name == "Sum of squared distances").values
    expected = study.sweeps[0].ssd.mean(axis=1)
    np.testing.assert_allclose(ssd[0], expected / expected[0])
