"""Settings shared by all tests."""

from hypothesis import HealthCheck, settings

# No deadline: the first call of a kernel compiles it. Derandomised: the same examples everywhere.
settings.register_profile(
    "minizerofl", deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("minizerofl")
