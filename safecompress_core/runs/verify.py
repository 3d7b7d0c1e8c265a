"""Works out again, from the files of a run directory, what its results say of them."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from safecompress_core.api import AttackerDef, Kind, Need
from safecompress_core.errors import RunDirectoryError, SpecError, StorageError
from safecompress_core.games.records import game_in
from safecompress_core.host import Registry
from safecompress_core.results.checksums import RESULTS, SUMS, sha256
from safecompress_core.results.directory import read_json
from safecompress_core.results.gates import gate_verdicts
from safecompress_core.results.integrity import Check, Status, check_recorded_files
from safecompress_core.results.reading import ResultsShapeError, read_results
from safecompress_core.results.schema import (
    ModelRecord,
    Results,
)
from safecompress_core.results.score_file import SCORES
from safecompress_core.runs.run import directory_name, plugin_records
from safecompress_core.runs.verify_scores import audits_by_model, check_scores
from safecompress_core.saved_models.storage import StoredModel, load_model
from safecompress_core.specfile.load import load_any_spec
from safecompress_core.specfile.models.run_spec import Gate

__all__ = ["Check", "Status", "verify_run"]

BASELINE = "baseline/model.safetensors"
SPEC, PLUGINS, EVENTS = "spec.resolved.yaml", "plugins.json", "events.jsonl"


def verify_run(directory: Path, registry: Registry) -> list[Check]:
    """Every check of a finished run; a file or key that is missing is damage too.

    Args:
        directory: of the run.
        registry: what is installed, to check that the spec would give this directory again.

    Raises:
        RunDirectoryError: if there are no results, or they have another version.
    """
    if not (directory / RESULTS).exists():
        raise RunDirectoryError(f"{directory / RESULTS}: no such file; is this a finished run?")
    # Hashes first: everything below reads files that they protect.
    checks = list(check_recorded_files(directory))
    if any(check.name in (RESULTS, SUMS) and check.status is Status.DAMAGED for check in checks):
        return checks  # nothing can be worked out from these
    try:
        run = _Run(directory, read_results(directory), registry)
    except ResultsShapeError as error:
        return [*checks, Check(RESULTS, Status.DAMAGED, str(error))]
    for name, check in run.checks():
        try:
            checks.append(check())
        # A missing key has no message of its own, so the check adds one.
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            message = f"results.json lacks what it should have: {error!r}"
            checks.append(Check(name, Status.DAMAGED, message))
        except (OSError, ValueError, StorageError, RunDirectoryError) as error:
            checks.append(Check(name, Status.DAMAGED, str(error)))
    return checks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """What results say of a model file; of one in the archive not how many parameters."""

    density: float | None
    file_bytes: int
    parameters: int | None = None
    active: int | None = None

    @classmethod
    def of(cls, model: ModelRecord) -> Self:
        assert model.file_bytes is not None  # only runs have files to verify
        return cls(
            density=model.density,
            file_bytes=model.file_bytes,
            parameters=model.parameters,
            active=model.active,
        )


@dataclass(frozen=True, slots=True)
class _Run:
    """A run directory under examination."""

    directory: Path
    results: Results
    registry: Registry

    def checks(self) -> Iterator[tuple[str, Callable[[], Check]]]:
        """Return the checks in the order of the report."""
        for file, stated in self._models():
            yield file, partial(self._model, file, stated)
        yield "results.json: files", self._files
        yield "results.json: pools", self._pools
        yield "results.json: gate", self._gates
        yield SCORES, partial(check_scores, self.directory, self.results)
        yield EVENTS, self._events
        yield "name", self._name
        yield PLUGINS, self._plugins

    def _models(self) -> Iterator[tuple[str, _Stated]]:
        """Each model file with what the results say of it; the file of an audit is elsewhere."""
        results = self.results
        # An audit has no model of its own in the directory.
        if results.baseline is None:
            return
        yield "model/model.safetensors", _Stated.of(results.model)
        yield BASELINE, _Stated.of(results.baseline.model)
        if results.unfinished is not None:
            yield "unfinished/model.safetensors", _Stated.of(results.unfinished.model)
        for index, part in enumerate(results.retrained or ()):
            yield f"retrained/{index}.safetensors", _Stated.of(part.model)
        densities = {one.id: one.density for round_ in results.rounds for one in round_.candidates}
        for entry in results.archive:
            density = densities.get(entry.id)
            yield entry.file, _Stated(density=density, file_bytes=entry.file_bytes)

    def _model(self, file: str, stated: _Stated) -> Check:
        """It loads, its own SHA-256 and the one in the results fit, so do density and size."""
        # Loading checks the file's own SHA-256 before its content is compared.
        path = self.directory / file
        stored = load_model(path)
        if sha256(path) != self.results.files.get(file):
            return Check(file, Status.DAMAGED, "its SHA-256 is not the one in results.json")
        topology = stored.topology
        # Densities are compared exactly: both are the same division of whole numbers.
        found = _Stated(
            density=topology.total_active / self._weights(stored), file_bytes=path.stat().st_size
        )
        if stated.parameters is not None:
            # Running means are in the file as well, and are not trained.
            total = sum(tensor.numel() for tensor in stored.state.values())
            parameters = min(stated.parameters, total)
            active = parameters - topology.total + topology.total_active
            found = replace(found, parameters=parameters, active=active)
        for field in fields(found):
            value, said = getattr(found, field.name), getattr(stated, field.name)
            if value != said:
                message = f"{field.name} is {value}, but results.json says {said}"
                return Check(file, Status.DAMAGED, message)
        return Check(file, Status.OK, f"loads; density {found.density:.6f}, hashes fit")

    def _weights(self, stored: StoredModel) -> int:
        """Return the number of sparsifiable weights of the uncompressed model."""
        assert self.results.baseline is not None  # only a run has model files
        own = self.results.baseline.model.architecture
        # Another architecture or shape: its own weights are no basis for the density.
        if stored.metadata["model"] == own and "reshaping" not in stored.metadata:
            return stored.topology.total
        return load_model(self.directory / BASELINE).topology.total

    def _files(self) -> Check:
        """The results name every model file once."""
        name = "results.json: files"
        known = {file for file, _ in self._models()}
        if known != set(self.results.files):
            odd = ", ".join(sorted(known ^ set(self.results.files)))
            return Check(name, Status.DAMAGED, f"hashes and models do not match: {odd}")
        return Check(name, Status.OK, f"{len(known)} model files")

    def _pools(self) -> Check:
        """Every attack was judged on as many samples as its pool has."""
        name, pools, twin_attacks = "results.json: pools", self.results.pools, self._twin_attacks()
        audits = audits_by_model(self.results).values()
        attacks = [("audit", one) for part in audits for one in part.values()]
        attacks += [
            ("select", one)
            for round_ in self.results.rounds
            for candidate in round_.candidates
            for attack, one in candidate.attacks.items()
            # A swap twin exchanges as many samples as the smaller side of the pool has.
            if attack not in twin_attacks
        ]
        for pool, one in attacks:
            counts = game_in(self.results.games, one.game).counts
            if counts == "units":  # of classes, or of a few samples
                continue
            # Extraction and evasion count no members.
            of_members = 0 if counts == "non-members" else pools[pool].members
            size = of_members, pools[pool].non_members
            if (one.members, one.non_members) != size or one.n != sum(size):
                message = f"an attack was judged on {one.n} samples, the pool {pool} has {size}"
                return Check(name, Status.DAMAGED, message)
        return Check(name, Status.OK, f"{len(attacks)} attacks were judged on whole pools")

    def _twin_attacks(self) -> frozenset[str]:
        """Return the ids of attackers that compare with a swap twin, by what is installed."""
        known = self.registry.definitions(Kind.ATTACKER)
        twinned = {
            name
            for name, definition in known.items()
            if isinstance(definition, AttackerDef) and Need.TWIN in definition.needs
        }
        attackers = self._spec().get("attackers", [])
        return frozenset(
            one.get("id") or one["type"] for one in attackers if one["type"] in twinned
        )

    def _gates(self) -> Check:
        """The verdicts follow from the figures and the spec."""
        name = "results.json: gate"
        gates = [Gate.model_validate(gate) for gate in self._spec()["gate"]]
        again = gate_verdicts(
            gates,
            compressed=self.results,
            baseline=self.results.baseline,
            # As recorded: the earlier results need not be on this machine.
            earlier={
                place: gate.earlier
                for place, gate in enumerate(self.results.gate)
                if gate.earlier is not None
            },
        )
        if again != self.results.gate:
            return Check(name, Status.DAMAGED, "the verdicts do not follow from the figures")
        return Check(name, Status.OK, f"{len(gates)} verdicts follow from the figures")

    def _events(self) -> Check:
        """Every line of the log is an event, the last of them the run's end."""
        lines = (self.directory / EVENTS).read_text(encoding="utf-8").splitlines()
        last = ""
        for number, line in enumerate(lines, start=1):
            try:
                last = json.loads(line)["event"]
            except (ValueError, KeyError, TypeError):
                return Check(EVENTS, Status.DAMAGED, f"line {number} is no event")
        if last != "run_finished":
            return Check(EVENTS, Status.DAMAGED, "it does not end with the end of the run")
        return Check(EVENTS, Status.OK, f"{len(lines)} events")

    def _name(self) -> Check:
        """The directory's name follows from the spec and the plugins that it records."""
        spec = self._spec()
        # Audits have the model's hash in their name; runs have no origin.
        model = None if self.results.origin is None else self.results.origin.sha256
        wanted = directory_name(spec, read_json(self.directory / PLUGINS), model=model)
        name = self.directory.resolve().name
        if name == wanted:
            return Check("name", Status.OK, "it follows from the spec and the plugins recorded")
        # Same form and another hash: content was changed. Another form: it was only renamed.
        if re.fullmatch(rf"{re.escape(str(spec['name']))}-[0-9a-f]{{8}}", name):
            message = f"spec and plugins recorded give {wanted}: one of them was changed"
            return Check("name", Status.DAMAGED, message)
        message = f"the directory was renamed; the run called it {wanted}"
        return Check("name", Status.WARNING, message)

    def _plugins(self) -> Check:
        """Return whether the installed plugins would reproduce this directory."""
        recorded = read_json(self.directory / PLUGINS)
        installed = plugin_records(self._spec(), self.registry)
        # In both directions: a plugin that is new may be picked by the spec as well.
        odd = [
            f"{plugin['kind']} {plugin['name']} {plugin['version']}"
            for plugin in recorded
            if plugin not in installed
        ]
        odd += [
            f"{plugin['kind']} {plugin['name']} {plugin['version']}"
            for plugin in installed
            if plugin not in recorded
        ]
        if odd:
            more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
            message = (
                f"others are installed now, so the spec gives another run: {', '.join(odd[:3])}"
            )
            return Check(PLUGINS, Status.WARNING, message + more)
        try:
            # nothing is built of it here, so nothing that it names is imported
            load_any_spec(self.directory / SPEC, registry=self.registry, allow_code=True)
        except SpecError as error:
            return Check(PLUGINS, Status.WARNING, f"the spec is no longer valid: {error}")
        return Check(PLUGINS, Status.OK, f"{len(recorded)} components, as installed now")

    def _spec(self) -> dict[str, Any]:
        try:
            spec = YAML(typ="safe", pure=True).load(self.directory / SPEC)
        except YAMLError as error:
            raise RunDirectoryError(f"{SPEC} is not YAML: {error}") from error
        if not isinstance(spec, dict):
            raise RunDirectoryError(f"{SPEC} is no mapping")
        return spec
