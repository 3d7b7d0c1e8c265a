"""Exports of finished models: files in other formats, each measured on the file itself."""
