"""Names of a run's objectives, and of the figure of an attack that is one."""

from safecompress_core.results.schema import Results

__all__ = ["attack_figure", "loss_figure", "objective_name"]


def objective_name(results: Results, objective: str) -> str:
    """Return the name of an objective: ``performance`` has that of its metric."""
    if objective != "performance":
        return objective
    return results.selection.performance


def loss_figure(results: Results, objective: str) -> str:
    """Return the figure of an objective other than performance, of an attack or of a measure."""
    if objective in results.selection.measures:
        return "share of the uncompressed model's"
    return attack_figure(results, objective)


def attack_figure(results: Results, attacker: str) -> str:
    """Return the figure of a selecting attacker that counts: ``advantage`` or ``2·AUC − 1``."""
    selection = results.selection
    is_auc = selection.statistic == "auc" and selection.attackers[attacker].game == "membership"
    return "2·AUC − 1" if is_auc else "advantage"
