"""The core track: what is special about ZeroFL. A page of text and a file of checks for each exercise."""
