"""Exercises that check themselves: each replaces one symbol of the library by what a student writes."""
