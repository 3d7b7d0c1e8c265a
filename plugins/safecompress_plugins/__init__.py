"""The built-in plugins; they use and come in by what a third party's would."""
