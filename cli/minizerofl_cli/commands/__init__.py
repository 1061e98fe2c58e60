"""The commands: options and help only; each imports the code that does its work when it runs."""
