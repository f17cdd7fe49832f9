//! Components that failed in a strategy's place.

use super::*;

/// What failed is known by its hash until an operator lets it be tried again, also to a host that
/// folds the same facts.
#[test]
fn what_failed_is_remembered_until_an_operator_says_otherwise() {
    let mut rig = live();
    let (now, strategy) = (HostTime::from_nanos(rig.now), ME);
    let note = |step, hash: &str| {
        let (hash, detail) = (hash.to_owned(), "trap".to_owned());
        Input::Note { now, fact: Box::new(Fact::Plugin { strategy, step, hash, detail }) }
    };
    for (step, hash) in [
        (PluginStep::Refused, "in the shadow"),
        (PluginStep::Failed, "v2"),
        (PluginStep::RolledBack, "v1"),
        (PluginStep::Failed, "v3"),
    ] {
        rig.engine.handle(note(step, hash), &mut rig.effects);
    }
    let mut folded = Engine::new(EngineConfig { tick_credit: Some(CREDIT), ..config(limits()) });
    folded.restore(&rig.effects.facts);
    let mut again = Engine::new(folded.config().clone());
    again.take_up(folded.snapshot()).unwrap();
    for engine in [&rig.engine, &folded, &again] {
        let known = |hash| engine.failed_before(ME, hash);
        assert_eq!((known("v2"), known("v3")), (Some("trap"), Some("trap")));
        assert_eq!((known("v1"), known("in the shadow")), (None, None));
    }
    rig.engine.handle(note(PluginStep::Retried, ""), &mut rig.effects);
    assert_eq!(rig.engine.failed_before(ME, "v2"), None);
}
