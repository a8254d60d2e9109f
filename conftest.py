"""Rules for every test of the project."""

from hypothesis import HealthCheck, settings

# No test fails for being slow, and the same commit gives the same verdict everywhere; `--hypothesis-profile=explore`
# looks for something new.
settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "explore", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("same")
