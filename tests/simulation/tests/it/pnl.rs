//! Profit and loss from the facts alone is what the engine's ledger says.

use crate::batches;
use hedgerow_driver::Batching;
use hedgerow_model::{Fact, HostTime, Stamped};
use hedgerow_report::{By, Pnl};
use hedgerow_simulation::scene::{engine, run};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn facts_alone_give_what_the_ledger_has(scene in batches::scene()) {
        let facts = run(&scene, Batching::Adaptive).journal.facts;
        let mut engine = engine(&scene, &[]);
        let mut pnl = Pnl::default();
        for spec in &engine.config().instruments {
            let fact = Fact::Defined(Box::new(spec.clone()));
            pnl.take(&Stamped { time: HostTime::EPOCH, fact });
        }
        for strategy in &engine.config().strategies {
            let (what, id, name) = ("strategy".to_owned(), strategy.id.0, strategy.name.clone());
            let fact = Fact::Named { what, id, name };
            pnl.take(&Stamped { time: HostTime::EPOCH, fact });
        }
        engine.restore(&facts);
        facts.iter().for_each(|fact| pnl.take(fact));
        let mut ours: Vec<_> = pnl
            .rows(&[By::Strategy, By::Account], None)
            .into_iter()
            .map(|row| (row.strategy, row.account, row.counted, row.currency, row.line, row.net))
            .collect();
        let mut ledger: Vec<_> = engine
            .earned_views()
            .into_iter()
            .map(|row| {
                (row.strategy, Some(row.account), row.counted, row.currency, row.line, row.net)
            })
            .collect();
        ours.sort_by_key(|row| (row.0.clone(), row.1.clone(), row.2, row.3.clone()));
        ledger.sort_by_key(|row| (row.0.clone(), row.1.clone(), row.2, row.3.clone()));
        prop_assert_eq!(ours, ledger);
        prop_assert_eq!(pnl.undefined, 0);
    }
}
