"""The result folder with figures and report.html."""
