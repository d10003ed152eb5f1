"""Versions are recorded also where a checkout runs without being installed."""

from importlib.metadata import PackageNotFoundError, version

from umlpsd_gpu.compute import versions


def test_a_checkout_without_installation(monkeypatch):
    def only_others(package):
        if package == "umlpsd_gpu":
            raise PackageNotFoundError(package)
        return version(package)

    assert versions.recorded_versions()["umlpsd_gpu"] == version("umlpsd_gpu")
    monkeypatch.setattr(versions, "version", only_others)
    found = versions.recorded_versions()
    assert found["umlpsd_gpu"] == "not installed"
    assert found["numpy"] == version("numpy")
