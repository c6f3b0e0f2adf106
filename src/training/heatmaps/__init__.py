"""Whether heatmaps mean something."""
