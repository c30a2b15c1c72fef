"""The nightly load, step by step."""
