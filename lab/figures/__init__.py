"""The figures of reports and pages, each from data alone."""
