"""Fair comparison: cold-start splits, metrics, one process a job, significance, and a report."""

from __future__ import annotations
