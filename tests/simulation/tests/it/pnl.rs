//! Profit and loss from the facts alone is what the engine's ledger says.

use crate::batches;
use hedgerow_driver::Batching;
use hedgerow_model::view::Counted;
use hedgerow_model::{Decimal, Fact, HostTime, Stamped};
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
        // told apart by pair: what each pair of the ledger made, and all of it together
        let by_pair = pnl.rows(&[By::Strategy, By::Pair], None);
        let mut ours: Vec<_> = by_pair
            .iter()
            .filter_map(|row| {
                let (pair, _) = row.pair.as_deref()?.split_once(':')?;
                Some((pair.to_owned(), row.counted, row.currency.clone(), row.line))
            })
            .collect();
        let views = engine.config().strategies.iter().filter_map(|s| engine.strategy_view(s.id));
        let mut ledger: Vec<_> = views
            .flat_map(|view| view.pairs.into_iter().map(move |pair| (view.name.clone(), pair)))
            .flat_map(|(name, pair)| {
                let of = format!("{name} {}", pair.plans[0]);
                pair.earned.into_iter().map(move |(counted, currency, line, _)| {
                    (of.clone(), counted, currency, line)
                })
            })
            .collect();
        ours.sort_by_key(|row| (row.0.clone(), row.1, row.2.clone()));
        ledger.sort_by_key(|row| (row.0.clone(), row.1, row.2.clone()));
        prop_assert_eq!(ours, ledger);
        let net = |rows: &[hedgerow_report::Row]| {
            let assets = rows.iter().filter(|row| row.counted == Counted::Asset);
            assets.map(|row| row.net).sum::<Decimal>()
        };
        prop_assert_eq!(net(&by_pair), net(&pnl.rows(&[], None)));
    }
}
