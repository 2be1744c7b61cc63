"""How hypothesis runs here: a machine that is busy with other tests is no failure."""

from hypothesis import settings

settings.register_profile("imgsvc", deadline=None)
settings.load_profile("imgsvc")
