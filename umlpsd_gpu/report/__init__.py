"""Study → figures, report.html, study folder."""
