"""Image file -> pixels -> network -> calibrated attribution -> report. Knows neither Qt nor training."""

__version__ = "0.1.0"
