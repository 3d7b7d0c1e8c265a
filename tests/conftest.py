"""How property tests are run: no example is held against a clock, which other work may stop."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
