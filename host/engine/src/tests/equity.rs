//! What stands behind an account's positions: the margin of where it trades, and nothing else.

use super::*;
use hedgerow_model::{Guard, GuardKey};

/// Two venues; instrument 1 is at the second. The account trades instrument 0 alone, and may take
/// leverage of 10; at 80 % used nothing opens.
fn over(change: impl Fn(&mut EngineConfig)) -> Rig {
    let mut config = config(limits());
    config.stale_after = Duration::from_secs(100_000);
    config.venues.push("w".into());
    config.instruments[1].venue = VenueId(1);
    config.accounts[0].guards.leverage_max = Some(dec("10"));
    config.accounts[0].guards.margin_utilisation.action = GuardAction::Pause;
    change(&mut config);
    let mut rig = Rig::over(config);
    rig.quote(1, 9_990, 10_010);
    rig
}

fn tell_margin(rig: &mut Rig, venue: u32, asset: &str, (equity, used): (&str, &str)) {
    let (equity, used, maintenance) = (dec(equity), dec(used), Decimal::ZERO);
    let event = VenueEvent {
        venue: VenueId(venue),
        account: AccountId(0),
        received: HostTime::from_nanos(rig.now),
        happened: VenueTime::from_nanos(rig.now),
        report: VenueReport::Margin { asset: asset.into(), equity, used, maintenance },
    };
    rig.engine.handle(Input::Venue(std::borrow::Cow::Owned(event)), &mut rig.effects);
}

fn equity(rig: &Rig) -> Option<Decimal> {
    rig.engine.equity(AccountId(0))
}

/// A venue that an account does not trade at knows none of its positions: what is told in its name
/// neither adds to the account's equity nor hides what is used elsewhere.
#[test]
fn margin_of_a_venue_where_an_account_does_not_trade_is_not_taken() {
    let mut rig = over(|_| {});
    tell_margin(&mut rig, 1, "Q", ("1000", "0"));
    assert_eq!(equity(&rig), None);
    assert_eq!(rig.buy(9_990, 100), Some(RiskRejection::MarginUnknown), "its own is not told");
    tell_margin(&mut rig, 0, "Q", ("10", "9"));
    let key = GuardKey::whole(Guard::MarginUtilisation, Scope::Account(AccountId(0)));
    assert!(rig.engine.guards.has_tripped(&key));
    tell_margin(&mut rig, 1, "Q", ("1000", "0"));
    assert!(rig.engine.guards.has_tripped(&key), "still 90 % of it");
    assert_eq!(equity(&rig), Some(dec("10")));
}

/// Of 12 times the equity where it trades, what lies elsewhere makes no 1.
#[test]
fn leverage_is_of_the_margin_that_an_account_trades_with() {
    let mut rig = over(|_| {});
    tell_margin(&mut rig, 1, "Q", ("1000", "0"));
    tell_margin(&mut rig, 0, "Q", ("1", "0"));
    let denied = rig.buy(9_990, 120); // 0.12 for 11.988
    let refused = |denied: &Option<RiskRejection>| {
        matches!(denied, Some(RiskRejection::LeverageAboveMax { .. }))
    };
    assert!(refused(&denied), "{denied:?}");
    assert_eq!(rig.buy(9_990, 100), None, "9.99");

    // traded at both venues, both stand for it
    let mut rig = over(|c| c.strategies[0].trades.push((InstrumentId(1), AccountId(0))));
    tell_margin(&mut rig, 0, "Q", ("1", "0"));
    tell_margin(&mut rig, 1, "Q", ("5", "0"));
    assert_eq!((equity(&rig), rig.buy(9_990, 120)), (Some(dec("6")), None));
}

/// An asset that the config calls money is still not what the instruments there settle in.
#[test]
fn a_pool_of_another_asset_is_no_equity_and_each_is_of_its_venue() {
    let mut rig = over(|c| {
        c.accounting = Accounting { currency: Some("Q".into()), same: vec!["R".into()] };
        c.strategies[0].trades.push((InstrumentId(1), AccountId(0)));
        c.instruments[1].settle = "R".into();
    });
    for (venue, asset, own, sum) in
        [(0, "Q", "3", "3"), (0, "R", "100", "3"), (1, "Q", "100", "3"), (1, "R", "4", "7")]
    {
        tell_margin(&mut rig, venue, asset, (own, "0"));
        assert_eq!(equity(&rig), Some(dec(sum)), "{asset} at {venue}");
    }
}
