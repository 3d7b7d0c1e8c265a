"""Identity of a run: hashes of everything outside its spec that decides its results.

The name of a run's directory follows from the spec and the versions of plugins. Samples, files and
code may change under the same spec; ``identity.json`` in the directory has their hashes, and a run
is continued, or an old result shown, only if all of them are the same.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from safecompress_core.api import Params, PathMark
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools, fingerprint
from safecompress_core.errors import RunDirectoryError
from safecompress_core.host import Registry
from safecompress_core.results.checksums import RESULTS
from safecompress_core.results.directory import RunDirectory, read_json, write_json
from safecompress_core.results.run_id import find_definitions
from safecompress_core.results.score_file import SCORES
from safecompress_core.specfile.component_files import (
    ExternalFiles,
    list_externals,
    package_digest,
)
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.models.run_spec import Gate
from safecompress_core.specfile.outside import components

__all__ = [
    "changes_since",
    "identity_changes",
    "identity_of_components",
    "identity_of_data",
    "identity_of_gates",
    "identity_of_plugins",
    "require_same_identity",
]

RECORD = "identity.json"
MOST_SHOWN = 5

Identity = dict[str, str]
"""What a thing is called, and the SHA-256 of its content."""


def identity_of_data(dataset: Dataset, pools: SamplePools, source: Params) -> Identity:
    """Samples in their pools, and all that names or describes them.

    Args:
        dataset: of the run.
        pools: cut from it.
        source: parameters of the data source, whose paths are named.
    """
    # Paths in the message: the user knows files, not fingerprints.
    paths = ", ".join(text for _, text in find_marked(source, PathMark))
    samples: dict[str, Any] = pools.fingerprints(dataset)
    if pools.reference is not None:
        samples["reference"] = fingerprint(dataset, (pools.reference,))
    # Names are sentences, since the error lists them to the user.
    identity = {
        f"the samples of task.data{paths and f' ({paths})'}": _sha256(samples),
        "the label names": _sha256(dataset.classes),
        "the public features": _sha256(dataset.features),
        "the bounds of the inputs": _sha256(
            # Tensors are not JSON; lists keep every digit.
            [bound.tolist() for bound in dataset.bounds or ()],
        ),
    }
    for name, attribute in dataset.attributes.items():
        details = [
            attribute.names,
            None if attribute.numbers is None else attribute.numbers.tolist(),
            attribute.columns,
            None if attribute.codes is None else attribute.codes.tolist(),
        ]
        identity[f"the values of attribute {name!r}"] = _sha256(details)
    return identity


def identity_of_components(spec: BaseModel) -> dict[str, Identity]:
    """Files and code that the components of a spec declare, by section of the spec."""
    sections: dict[str, Identity] = {}
    for path, component, definition in components(spec):
        # Several components of one section share its identity.
        identity = sections.setdefault(str(path[0]), {})
        place = ".".join(map(str, path))
        for external in list_externals(definition, component):
            # The position distinguishes two components that read the same file name.
            identity |= {f"{name} ({place})": digest for name, digest in external.digests()}
    return sections


def identity_of_gates(gates: Sequence[Gate]) -> Identity:
    """Earlier results that relative gates compare with."""
    identity: Identity = {}
    for place, gate in enumerate(gates):
        if gate.no_worse_than is not None:
            results = ExternalFiles(path=gate.no_worse_than, patterns=(RESULTS, SCORES))
            # Next to a file; a directory has them in it.
            scores = ExternalFiles(path=str(Path(gate.no_worse_than).parent / SCORES))
            name = f"gate.{place}.no_worse_than"
            for files in (results, scores):
                identity |= {f"{file} ({name})": digest for file, digest in files.digests()}
    return identity


def identity_of_plugins(content: Any, registry: Registry) -> Identity:
    """Sources of the third-party packages whose components plain content names.

    A version says the same of a distribution that is built once; one under development changes
    under its version.
    """
    identity: Identity = {}
    for definition in find_definitions(content, registry):
        origin = registry.origin(definition)
        # The top-level package: a component may use any module of it.
        package = definition.target.partition(":")[0].partition(".")[0]
        # Core and its own plugins are identified by their version.
        digest = None if origin.is_built_in else package_digest(package)
        if digest is not None:
            identity[f"the source of {origin.name} (package {package})"] = digest
    return identity


def require_same_identity(identity: Identity, directory: RunDirectory) -> None:
    """Compare an identity with that of an earlier attempt, and record it if there is none.

    Raises:
        RunDirectoryError: if something has changed since; it names what.
    """
    record = directory.path / RECORD
    hint = "remove that directory, or give this run another name: --set name=..."
    # No record: the first attempt, unless results are there already.
    if not record.exists():
        if directory.results.exists():
            raise RunDirectoryError(
                f"{directory.path}: its results are there and {RECORD} is not, so nothing shows "
                f"what they are of; {hint}"
            )
        write_json(record, identity)
        return
    if changes := changes_since(identity, directory.path):
        more = f" and {len(changes) - MOST_SHOWN} more" if len(changes) > MOST_SHOWN else ""
        raise RunDirectoryError(
            f"{directory.path}: changed since this run began: {', '.join(changes[:MOST_SHOWN])}"
            f"{more}; its results are of what was there then: {hint}"
        )


def changes_since(identity: Identity, path: Path) -> tuple[str, ...]:
    """Return the changes since a run began; none without a record in its directory."""
    record = path / RECORD
    return identity_changes(read_json(record), identity) if record.exists() else ()


def identity_changes(known: Mapping[str, str], identity: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what differs between two identities."""
    return tuple(_changes(known, identity))


def _changes(known: Mapping[str, str], identity: Mapping[str, str]) -> Iterator[str]:
    # Known names first, so that the message lists changes in the order of the record.
    for name in {**known, **identity}:
        if name not in identity:
            yield f"{name} is gone"
        elif name not in known:
            yield f"{name} is new"
        elif known[name] != identity[name]:
            yield name


def _sha256(content: Any) -> str:
    # Sorted keys: equal content has equal hashes whatever its order.
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
