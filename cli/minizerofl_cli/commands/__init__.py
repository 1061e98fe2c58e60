"""The commands, a file each: options and help only. A command imports the code that does its work when it runs."""
