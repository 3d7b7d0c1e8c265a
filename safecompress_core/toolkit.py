"""All that an implementation may import from SafeCompress, in one stable place.

Manifests import :mod:`safecompress_core.api` instead, which needs no torch.
"""

from safecompress_core.attacks.adversary import (
    Adversary,
    AdversaryKnowledge,
    Attacker,
    Evader,
    Extractor,
    InversionTargets,
    Inverter,
    PerturbationBudget,
)
from safecompress_core.attacks.observations import (
    Observations,
    last_layer_gradients,
    observe,
)
from safecompress_core.attacks.observed_pool import (
    ObservedPool,
)
from safecompress_core.attacks.public_features import (
    AttributeEncoding,
)
from safecompress_core.attacks.reference_answers import (
    ReferenceAnswers,
)
from safecompress_core.attacks.signals import (
    confidence,
    correctness,
    logit_of_confidence,
    modified_entropy,
    modified_entropy_of_logits,
    negative_loss,
    negative_loss_of_logits,
)
from safecompress_core.choose.aggregator import (
    Aggregator,
    Objectives,
)
from safecompress_core.data.dataset import (
    Attribute,
    Dataset,
    DataSource,
    EncodedRows,
    Encoder,
    Inputs,
    in_batches,
    select_inputs,
)
from safecompress_core.data.pools import (
    choose_stratified,
)
from safecompress_core.data.predictions import (
    dataset_of_predictions,
    row_number,
)
from safecompress_core.data.spellings import (
    by_value,
    spellings_unified,
)
from safecompress_core.errors import (
    AccessError,
    DataError,
    ExportError,
    ModelError,
    PoolError,
    SafeCompressError,
    TopologyError,
)
from safecompress_core.games.attack_context import (
    AttackRun,
)
from safecompress_core.games.attack_result import (
    AttackResult,
    GameResult,
    UnitResult,
)
from safecompress_core.games.game import (
    Game,
    ScoredGame,
)
from safecompress_core.games.scores import (
    AttackScores,
    MeasureOptions,
)
from safecompress_core.host.named_code import (
    import_function,
)
from safecompress_core.methods.architecture import (
    Architecture,
)
from safecompress_core.methods.finisher import (
    Finish,
    FinishContext,
    Finisher,
    SmallerNetwork,
)
from safecompress_core.methods.method import (
    Method,
    MethodContext,
    MethodOutcome,
    MethodPart,
    Recipe,
)
from safecompress_core.methods.phases import (
    Phases,
)
from safecompress_core.methods.sparse_training import (
    SparseTraining,
)
from safecompress_core.metric import (
    MeanMetric,
    Metric,
    MetricTrial,
    PairedMetric,
    SampleMetric,
    SampleValues,
    Subject,
)
from safecompress_core.networks.classifier import (
    Classifier,
    ModelFactory,
    in_eval_mode,
)
from safecompress_core.networks.cost import (
    latency,
    macs,
    peak_memory,
)
from safecompress_core.networks.dead_channels import (
    without_dead_channels,
)
from safecompress_core.networks.input_rounding import (
    InputRange,
)
from safecompress_core.networks.layer_shapes import (
    LayerShapes,
    can_be_factorised,
    can_be_resized,
    require_resizable,
)
from safecompress_core.networks.output_guard import (
    GuardTrainingData,
    OutputGuard,
)
from safecompress_core.networks.pretrained import (
    ImageClassifier,
    TextClassifier,
    token_ids,
)
from safecompress_core.problems import (
    Problem,
)
from safecompress_core.saved_models.exporter import (
    Exporter,
    ExportSource,
    load_answers,
)
from safecompress_core.saved_models.model_format import (
    Format,
)
from safecompress_core.saved_models.output_labels import (
    output_names,
)
from safecompress_core.seeding import (
    Seed,
    global_random_state,
)
from safecompress_core.sparse.allocation import (
    apportion,
    erdos_renyi,
    uniform,
)
from safecompress_core.sparse.selection import (
    flatten,
    largest,
    largest_by_layer,
    largest_overall,
    random_positions,
    smallest,
    unflatten,
)
from safecompress_core.sparse.strategy import (
    Grow,
    History,
    Initial,
    LossGradients,
    Prune,
    Weights,
)
from safecompress_core.sparse.topology import (
    Masks,
    Topology,
)
from safecompress_core.sparse.weight_codes import (
    Clustered,
    Quantised,
    Rounded,
    WeightCode,
)
from safecompress_core.specfile.component_files import (
    External,
    ExternalCode,
    ExternalFiles,
    list_pretrained_files,
)
from safecompress_core.specfile.paths import (
    local_path,
)
from safecompress_core.stats.intervals import (
    Estimate,
    clopper_pearson,
)
from safecompress_core.stats.resampling import (
    Resampling,
)
from safecompress_core.stats.roc import (
    calibrate_threshold,
)
from safecompress_core.training.defence import (
    Batch,
    Defence,
    DefenceContext,
    DefenceInputs,
    Schedule,
    Step,
)
from safecompress_core.training.settings import (
    Settings,
)
from safecompress_core.training.trainer import (
    TopologySchedule,
)
from safecompress_core.training.training_state import (
    TrainingState,
)

__all__ = [
    "AccessError",
    "Adversary",
    "AdversaryKnowledge",
    "Aggregator",
    "Architecture",
    "AttackResult",
    "AttackRun",
    "AttackScores",
    "Attacker",
    "Attribute",
    "AttributeEncoding",
    "Batch",
    "Classifier",
    "Clustered",
    "DataError",
    "DataSource",
    "Dataset",
    "Defence",
    "DefenceContext",
    "DefenceInputs",
    "EncodedRows",
    "Encoder",
    "Estimate",
    "Evader",
    "ExportError",
    "ExportSource",
    "Exporter",
    "External",
    "ExternalCode",
    "ExternalFiles",
    "Extractor",
    "Finish",
    "FinishContext",
    "Finisher",
    "Format",
    "Game",
    "GameResult",
    "Grow",
    "GuardTrainingData",
    "History",
    "ImageClassifier",
    "Initial",
    "InputRange",
    "Inputs",
    "InversionTargets",
    "Inverter",
    "LayerShapes",
    "LossGradients",
    "Masks",
    "MeanMetric",
    "MeasureOptions",
    "Method",
    "MethodContext",
    "MethodOutcome",
    "MethodPart",
    "Metric",
    "MetricTrial",
    "ModelError",
    "ModelFactory",
    "Objectives",
    "Observations",
    "ObservedPool",
    "OutputGuard",
    "PairedMetric",
    "PerturbationBudget",
    "Phases",
    "PoolError",
    "Problem",
    "Prune",
    "Quantised",
    "Recipe",
    "ReferenceAnswers",
    "Resampling",
    "Rounded",
    "SafeCompressError",
    "SampleMetric",
    "SampleValues",
    "Schedule",
    "ScoredGame",
    "Seed",
    "Settings",
    "SmallerNetwork",
    "SparseTraining",
    "Step",
    "Subject",
    "TextClassifier",
    "Topology",
    "TopologyError",
    "TopologySchedule",
    "TrainingState",
    "UnitResult",
    "WeightCode",
    "Weights",
    "apportion",
    "by_value",
    "calibrate_threshold",
    "can_be_factorised",
    "can_be_resized",
    "choose_stratified",
    "clopper_pearson",
    "confidence",
    "correctness",
    "dataset_of_predictions",
    "erdos_renyi",
    "flatten",
    "global_random_state",
    "import_function",
    "in_batches",
    "in_eval_mode",
    "largest",
    "largest_by_layer",
    "largest_overall",
    "last_layer_gradients",
    "latency",
    "list_pretrained_files",
    "load_answers",
    "local_path",
    "logit_of_confidence",
    "macs",
    "modified_entropy",
    "modified_entropy_of_logits",
    "negative_loss",
    "negative_loss_of_logits",
    "observe",
    "output_names",
    "peak_memory",
    "random_positions",
    "require_resizable",
    "row_number",
    "select_inputs",
    "smallest",
    "spellings_unified",
    "token_ids",
    "unflatten",
    "uniform",
    "without_dead_channels",
]
