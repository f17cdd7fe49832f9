//! What has an owner without a fill, and days as dates.

use super::rows::date;
use super::*;
use hedgerow_model::view::Counted;
use hedgerow_model::{FeeAsset, InstrumentKind, PriceGrid, Scale, SequenceRule, VenueId};

pub(super) fn perpetual() -> Instrument {
    Instrument {
        id: InstrumentId(0),
        venue: VenueId(0),
        symbol: "X".into(),
        kind: InstrumentKind::LinearPerpetual,
        base: "B".into(),
        quote: "Q".into(),
        settle: "Q".into(),
        price_scale: Scale::new(0).unwrap(),
        quantity_scale: Scale::new(0).unwrap(),
        grid: PriceGrid::Tick(Price::from_units(1)),
        lot: Quantity::from_units(1),
        min_quantity: Quantity::from_units(1),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::ONE,
        sequence: SequenceRule::Snapshots,
    }
}

/// A journal that was lost begins with what is adopted: funding finds its owner, and a sale
/// closes the position instead of opening one the other way.
#[test]
fn what_was_adopted_without_a_fill_has_an_owner() {
    let (strategy, account, instrument) = (StrategyId(0), AccountId(3), InstrumentId(0));
    let forced = |price: i64| Fact::Forced {
        kind: hedgerow_model::ForcedKind::Liquidation,
        strategy,
        account,
        instrument,
        trade: hedgerow_model::TradeId(1),
        side: Side::Sell,
        price: Price::from_units(price),
        quantity: Quantity::from_units(5),
        fee: Fee { amount: Decimal::ZERO, asset: FeeAsset::Settle },
        happened: hedgerow_model::VenueTime::EPOCH,
    };
    let settlement = hedgerow_model::VenueTime::EPOCH;
    let facts = [
        Fact::Defined(Box::new(perpetual())),
        Fact::Adopted {
            strategy,
            instrument,
            quantity: Quantity::from_units(5),
            price: Price::from_units(100),
            id: 1,
            account: Some(account),
        },
        Fact::Funding {
            account,
            instrument,
            settlement,
            amount: Decimal::TWO,
            others: Decimal::ZERO,
        },
        forced(110),
    ];
    let mut pnl = Pnl::default();
    for fact in facts {
        pnl.take(&Stamped { time: HostTime::EPOCH, fact });
    }
    let rows = pnl.rows(&[By::Account], None);
    let nets: Vec<_> = rows.iter().filter(|row| row.counted == Counted::Asset).collect();
    let [row] = nets.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.account.as_deref(), row.net), (Some("3"), Decimal::from(52)));
    let left: Vec<_> = pnl.positions.values().map(|held| held.quantity.units()).collect();
    assert_eq!(left, [0]);
}

/// With the folder of a host its journal is lost: what its venue tells of a payment first comes
/// before the position is adopted, and is whose the position is then, as in the ledger.
#[test]
fn what_was_paid_before_the_adoption_has_the_owner_of_the_position() {
    let (strategy, account, instrument) = (StrategyId(0), AccountId(3), InstrumentId(0));
    let (settlement, others) = (hedgerow_model::VenueTime::EPOCH, Decimal::ZERO);
    let paid = Fact::Funding { account, instrument, settlement, amount: Decimal::TWO, others };
    let (quantity, price) = (Quantity::from_units(5), Price::from_units(100));
    let account_of = Some(account);
    let adopted =
        Fact::Adopted { strategy, instrument, quantity, price, id: 1, account: account_of };
    let facts = [Fact::Defined(Box::new(perpetual())), paid, adopted];
    let net = |facts: &[Fact]| {
        let mut pnl = Pnl::default();
        for fact in facts {
            pnl.take(&Stamped { time: HostTime::EPOCH, fact: fact.clone() });
        }
        let rows = pnl.rows(&[By::Strategy], None);
        let assets = rows.into_iter().filter(|row| row.counted == Counted::Asset);
        assets.map(|row| (row.strategy.unwrap(), row.net)).collect::<Vec<_>>()
    };
    assert_eq!(net(&facts[..2]), [("-".to_owned(), Decimal::TWO)], "nobody's, and not lost");
    assert_eq!(net(&facts), [("0".to_owned(), Decimal::TWO)]);
}

#[test]
fn days_are_dates() {
    for (day, expected) in [
        (0, "1970-01-01"),
        (59, "1970-03-01"),
        (11_016, "2000-02-29"),
        (19_782, "2024-02-29"),
        (19_783, "2024-03-01"),
        (20_453, "2025-12-31"),
        (47_540, "2100-02-28"),
        (47_541, "2100-03-01"),
    ] {
        assert_eq!(date(day), expected);
    }
}
