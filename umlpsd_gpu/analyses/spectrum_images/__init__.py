"""X-ray spectrum images: unmixed into components whose composition is quantified."""
