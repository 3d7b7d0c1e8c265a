"""What a run leaves behind, which all else is a function of."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.run_context import build_run_context
from safecompress_core.saved_models.storage import load_model

ATTACK = {
    *("game", "accuracy", "accuracy_interval", "auc", "auc_interval", "advantage"),
    *("advantage_interval", "baseline", "n", "members", "non_members"),
}
MODEL = {
    "architecture",
    "reshaping",
    "density",
    "model_density",
    "sparsifiable",
    "parameters",
    "active",
    "file_bytes",
}
MODEL |= {"dense_bytes"}


@pytest.fixture
def results(finished: Any) -> dict[str, Any]:
    """As they are on disk."""
    _, run = finished
    loaded: dict[str, Any] = json.loads((run.path / "results.json").read_text())
    assert loaded == run.results.to_json()
    return loaded


def test_every_key_that_others_rely_on_is_there(results: dict[str, Any]) -> None:
    """For the compressed model and for the uncompressed one alike."""
    assert {"version", "name", "seed", "rounds", "archive", "gate", "pools", "controls"} <= set(
        results
    )
    for part in (results, results["baseline"]):
        assert set(part["model"]) == MODEL
        assert set(part["metrics"]) == {"accuracy", "file-bytes"}
        for metric in part["metrics"].values():
            low, high = metric["interval"]
            assert low <= metric["value"] <= high
        assert set(part["audit"]) == {"loss-threshold", "modified-entropy", "probe-without-limit"}
        for attack in part["audit"].values():
            assert set(attack) >= ATTACK
        assert part["audit"]["probe-without-limit"]["lift"] is not None
    assert set(results["pools"]) == {"attack_train", "select", "audit"}
    phases = {"baseline", "baseline_cpu", "compress", "compress_cpu", "audit", "total"}
    assert phases == set(results["seconds"])
    for kind in ("null", "planted"):
        found = results["controls"][kind]
        assert set(found) == {"loss-threshold", "modified-entropy"}
        assert all(control["passed"] for control in found.values())
    assert set(results["selection_gap"]) == {"membership", "attribute"}
    assert results["selection"]["also_audit"] == ["probe-without-limit"]


def test_sizes_are_those_of_the_files(results: dict[str, Any], finished: Any) -> None:
    """64·12 + 12·14 weights, of which 0.3 are kept, and 26 biases; bytes are of the file."""
    _, run = finished
    model, dense = results["model"], results["baseline"]["model"]

    assert (model["parameters"], model["active"]) == (936 + 26, 281 + 26)
    assert model["density"] == 281 / 936
    assert model["model_density"] == (281 + 26) / (936 + 26)
    assert model["sparsifiable"] == dense["sparsifiable"] == 936 / (936 + 26)
    assert dense["density"] == dense["model_density"] == 1
    for part, folder in ((model, "model"), (dense, "baseline")):
        assert part["file_bytes"] == (run.path / folder / "model.safetensors").stat().st_size
        assert part["dense_bytes"] == dense["file_bytes"]
    assert results["metrics"]["file-bytes"]["value"] == model["file_bytes"]
    pruned_bytes = (936 - 281) * 4
    assert 0.85 * pruned_bytes < dense["file_bytes"] - model["file_bytes"] < pruned_bytes


def test_rounds_tell_of_every_candidate_and_how_well_the_test_could_tell(
    results: dict[str, Any],
) -> None:
    """Strategy, objectives, attacks, and which one went on."""
    assert [round_["round"] for round_ in results["rounds"]] == [1, 2, 3]
    for round_ in results["rounds"]:
        names = {"performance", "neural-blackbox", "neural-whitebox", "attribute-probe"}
        assert [c["strategy"] for c in round_["candidates"]] == [
            "keep",
            "magnitude × gradient",
            "magnitude × random, relaxloss.target 0.5",
            "magnitude × random, relaxloss.target 2",
        ]
        assert set(round_["spread"]) == names
        for candidate in round_["candidates"]:
            assert set(candidate["objectives"]) == names
            assert candidate["density"] == 281 / 936
            for name, attack in candidate["attacks"].items():
                high = attack["advantage_interval"][1]
                if attack["game"] == "membership":
                    high = 2 * attack["auc_interval"][1] - 1
                assert candidate["objectives"][name] == pytest.approx(max(high, 0))
        assert [c["chosen"] for c in round_["candidates"]].count(True) == 1


def test_the_model_file_gives_back_the_very_model_that_was_audited(
    results: dict[str, Any], finished: Any
) -> None:
    """Loaded into a fresh network, it is as accurate on the audit pool as results say."""
    bench, run = finished
    run_context = build_run_context(bench.load(), bench.registry)
    audit = run_context.pools.audit
    inputs, labels = (
        part[audit.non_members] for part in (run_context.dataset.inputs, run_context.dataset.labels)
    )
    for part, folder in ((results, "model"), (results["baseline"], "baseline")):
        file = run.path / folder / "model.safetensors"
        network = run_context.load_network(file).eval()
        with torch.no_grad():
            right = (network(inputs).argmax(dim=1) == labels).double().mean()
        assert float(right) == pytest.approx(part["metrics"]["accuracy"]["value"])
        assert load_model(file).metadata == run_context.model_metadata


def test_the_archive_lists_files_that_are_there(results: dict[str, Any], finished: Any) -> None:
    """With the objectives that put them on the front; none is dominated by another."""
    _, run = finished
    archive = results["archive"]

    assert archive
    for entry in archive:
        assert (run.path / entry["file"]).stat().st_size == entry["file_bytes"]
        for other in archive:
            better = [
                other["objectives"][name] <= value
                for name, value in entry["objectives"].items()
                if name != "performance"
            ]
            better.append(other["objectives"]["performance"] >= entry["objectives"]["performance"])
            assert other is entry or not all(better)
    assert {Path(entry["file"]).name for entry in archive} == {
        path.name for path in (run.path / "archive").iterdir()
    }


def test_gates_are_judged_at_their_careful_end(results: dict[str, Any]) -> None:
    """One of the three is missed: a run says so and ends."""
    assert [gate["passed"] for gate in results["gate"]] == [True, True, False]
    for gate in results["gate"]:
        assert "held" in gate["baseline"]
    accuracy = results["metrics"]["accuracy"]
    assert results["gate"][0]["held"] == accuracy["interval"][0] < accuracy["value"]


def test_every_event_is_a_line_of_the_log(finished: Any) -> None:
    """With time and progress, as observers were told; the progress of training has no line."""
    bench, run = finished
    lines = (run.path / "events.jsonl").read_text().splitlines()
    events = [one for one in bench.events if one["event"] != "training_progressed"]

    assert [json.loads(line) for line in lines] == json.loads(json.dumps(events))
    assert {"training_progressed"} == {one["event"] for one in bench.events if one not in events}
    kinds = [event["event"] for event in bench.events]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")
    assert kinds.count("round_finished") == 3
    assert kinds.count("candidate_tested") == 12
    assert bench.events[-1]["done"] == bench.events[-1]["total"]


def test_plugins_and_environment_are_recorded(finished: Any) -> None:
    """A name that serves in two roles is there twice, told apart."""
    _, run = finished
    plugins = json.loads((run.path / "plugins.json").read_text())
    places = [(one["kind"], one["role"], one["name"]) for one in plugins]

    assert len(set(places)) == len(places)
    assert ("strategy", "grow", "random") in places
    assert ("method", None, "test-driven") in places
    assert json.loads((run.path / "environment.json").read_text())["device"] == "cpu"


def test_results_are_written_when_the_end_is_told(bench: Any) -> None:
    """An observer that reads them then finds them."""
    written: list[list[Path]] = []

    class Watch(list[Any]):
        def append(self, event: Any) -> None:
            if event["event"] == "run_finished":
                written.append(list(bench.folder.glob("runs/*/results.json")))

    bench.events = Watch()
    run = bench.run(method__rounds=1, training__epochs=1)

    assert written == [[run.path / "results.json"]]
