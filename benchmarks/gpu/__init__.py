"""The sections of ``gpu_proof.py``, a module for each subject."""
