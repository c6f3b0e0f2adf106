"""A folder of photos in, a report out."""
