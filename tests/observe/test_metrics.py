"""What is counted, as Prometheus reads it."""

from prometheus_client.parser import text_string_to_metric_families

from kilonova.observe.metrics import Figure, answered, exposition


def samples(*figures: Figure) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(exposition(figures).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_answers_are_counted_by_service_method_and_status() -> None:
    key = ("kilonova_requests_total", (("method", "GET"), ("service", "kettle"), ("status", "418")))
    for _ in range(3):
        answered("kettle", "GET", 418, 0.5)

    found = samples()

    assert found[key] == 3
    assert found["kilonova_request_seconds_total", (("service", "kettle"),)] == 1.5


def test_made_up_methods_share_one_series() -> None:
    for method in ("BREW", "POUR", "x" * 1000):
        answered("pot", method, 405, 0.0)

    methods = {dict(labels)["method"] for name, labels in samples() if dict(labels).get("service") == "pot"
               and name == "kilonova_requests_total"}  # fmt: skip
    assert methods == {"other"}


def test_figures_are_shown_with_their_labels() -> None:
    up = Figure(name="kilonova_cups", about="Cups.", value=2, labels={"state": "full"})
    down = Figure(name="kilonova_cups", about="Cups.", value=5, labels={"state": "empty"})
    plain = Figure(name="kilonova_spoons", about="Spoons.", value=7)

    found = samples(up, down, plain)

    assert found["kilonova_cups", (("state", "full"),)] == 2
    assert found["kilonova_cups", (("state", "empty"),)] == 5
    assert found["kilonova_spoons", ()] == 7
