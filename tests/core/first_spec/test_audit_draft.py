"""The spec of an audit without a spec."""

from safecompress_core.api import Access, AttackerDef, Kind, Need
from safecompress_core.first_spec.audit_draft import draft_audit, sufficient_attackers
from safecompress_core.host import Registry, load_plugins


def built_ins() -> Registry:
    """Everything that is built in."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


def test_attackers_need_no_more_than_is_given() -> None:
    """Answers alone admit no queries; reference models admit the attacks that compare with them."""
    registry = built_ins()
    attackers = registry.definitions(Kind.ATTACKER)
    given = Access.BLACK_BOX.needs

    names = [entry["type"] for entry in sufficient_attackers(registry, given)]
    with_references = sufficient_attackers(registry, given | {Need.REFERENCES})

    assert {"loss-threshold", "modified-entropy", "gap", "neural-blackbox"} <= set(names)
    for name in names:
        definition = attackers[name]
        assert isinstance(definition, AttackerDef)
        assert definition.game == "membership"
        assert definition.needs <= given
    more = {entry["type"] for entry in with_references} - set(names)
    assert more == {"base", "calibrated", "lira", "rmia"}


def test_the_name_is_made_of_letters_digits_and_hyphens() -> None:
    """As specs ask for; a name of other letters becomes the command's."""
    registry = built_ins()

    def name(text: str) -> str:
        drafted: str = draft_audit(text, {}, registry, given=frozenset())["name"]
        return drafted

    assert name("My predictions (v2)") == "my-predictions-v2"
    assert name("模型") == "audit"
