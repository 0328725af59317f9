"""The HTML report of a folder of experiments, and the gallery in docs/ with the results that stand in the repository."""
from __future__ import annotations
def write_report(results, problems, folder): pass
def write_gallery(every, results, folder): return 0
