"""Files → Movie: reading, metadata, integrity verdict."""
