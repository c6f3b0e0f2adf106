"""What is done to pictures: styes, harmless marks, cameras."""
