"""Makes the classifier: from a folder of class folders to `src/assets/models/*.h5` and its card."""
