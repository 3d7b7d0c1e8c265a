"""From a YAML file to a checked spec: every problem with its position, and what to write instead.

``load.load_spec`` is the way in. Nothing is imported here, so that a manifest may use
``specfile.models.changes`` without the rest.
"""
