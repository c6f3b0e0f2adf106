"""The service's command line: screens folders, and says whether an installation is sound."""
