//! Leverage and margin mode: checked on both legs before a pair opens, changed only with the grant.

use super::*;
use hedgerow_model::{Margin, MarginMode};

const THREE: Margin = Margin { leverage_hundredths: 300, mode: MarginMode::Cross };

fn tell(pair: &mut Pair, leg: InstrumentId, margin: Margin) {
    pair.report(leg, VenueReport::Leverage { instrument: leg, margin, max_hundredths: 2_000 });
}

fn accepting(buy: Option<Margin>, sell: Option<Margin>) -> PairRequest {
    PairRequest { accept: Accept { buy, sell }, ..request() }
}

fn expecting(margin: Margin) -> Pair {
    let mut pair = Pair::new();
    let mut config = pair.rig.engine.config.clone();
    config.accounts.iter_mut().for_each(|account| account.margin = Some(margin));
    pair.rig.engine = Engine::new(config);
    pair.markets();
    pair
}

#[test]
fn a_pair_opens_only_on_the_leverage_that_was_named_and_that_the_venue_told() {
    let isolated = Margin { mode: MarginMode::Isolated, ..THREE };
    let named = accepting(Some(THREE), Some(THREE));
    let mut pair = Pair::new();
    tell(&mut pair, L, THREE);
    let unknown = Some(RiskRejection::LeverageUnknown { accepted: THREE });
    assert_eq!(pair.ask(PairKind::Open, &named), unknown, "the other venue has not told");
    tell(&mut pair, S, isolated);
    let differs = RiskRejection::LeverageDiffers { known: isolated, accepted: THREE };
    assert_eq!(pair.ask(PairKind::Open, &named), Some(differs));
    assert_eq!(pair.sent(), []);
    pair.open(&accepting(Some(THREE), Some(isolated)));
    let slot = pair.rig.engine.plans.pair(&(ME, 1)).unwrap();
    assert_eq!([slot.plan.legs[0].margin, slot.plan.legs[1].margin], [Some(THREE), Some(isolated)]);
    pair.assert_restores();
}

#[test]
fn what_an_account_is_expected_to_have_holds_where_a_pair_names_nothing() {
    let mut pair = expecting(Margin::ONE);
    let unknown = RiskRejection::LeverageUnknown { accepted: Margin::ONE };
    assert_eq!(pair.ask(PairKind::Open, &request()), Some(unknown));
    tell(&mut pair, L, Margin::ONE);
    tell(&mut pair, S, THREE);
    let differs = RiskRejection::LeverageDiffers { known: THREE, accepted: Margin::ONE };
    assert_eq!(pair.ask(PairKind::Open, &request()), Some(differs));
    // facts of before a restart count as told
    let mut again = expecting(Margin::ONE);
    again.rig.engine.config.accounts[1].accept = vec![THREE];
    again.rig.engine.restore(&pair.rig.effects.facts);
    again.markets();
    assert_eq!(again.ask_as(9, PairKind::Open, &accepting(None, Some(THREE))), None);
    for sent in again.sent() {
        again.fill(sent, if sent.leg == L { 600_000 } else { 600_299 }, 1_660);
    }
    // a close asks nobody
    tell(&mut again, L, THREE);
    let close = PairRequest { buy: S, sell: L, size: PairSize::All, ..request() };
    assert_eq!(again.ask_as(10, PairKind::Close, &close), None);
}

/// A strategy may name less than its operator accepts, never more.
#[test]
fn what_a_pair_names_must_be_accepted_by_the_operator() {
    let five = Margin { leverage_hundredths: 500, ..THREE };
    let named = accepting(Some(THREE), Some(THREE));
    let mut pair = expecting(Margin::ONE);
    tell(&mut pair, L, THREE);
    tell(&mut pair, S, THREE);
    let refused = RiskRejection::LeverageDiffers { known: THREE, accepted: Margin::ONE };
    assert_eq!(pair.ask(PairKind::Open, &named), Some(refused.clone()), "of its own accord");
    // each account by itself, and not some other value
    pair.rig.engine.config.accounts[0].accept = vec![five, THREE];
    pair.rig.engine.config.accounts[1].accept = vec![five];
    assert_eq!(pair.ask_as(2, PairKind::Open, &named), Some(refused));
    pair.rig.engine.config.accounts[1].accept = vec![THREE];
    // what is accepted holds only where it is named, and must be what the venue has
    let unnamed = pair.ask_as(3, PairKind::Open, &request());
    assert!(matches!(unnamed, Some(RiskRejection::LeverageDiffers { known: THREE, .. })));
    let other = pair.ask_as(4, PairKind::Open, &accepting(Some(five), Some(THREE)));
    let differs = RiskRejection::LeverageDiffers { known: THREE, accepted: five };
    assert_eq!(other, Some(differs));
    assert_eq!(pair.sent(), []);
    assert_eq!(pair.ask_as(5, PairKind::Open, &named), None);
    assert_eq!(pair.sent().len(), 2);
}

#[test]
fn a_spot_leg_has_no_leverage() {
    let mut instruments = legs();
    instruments[0].kind = InstrumentKind::Spot;
    let mut pair = Pair::with(instruments, wide(), false);
    tell(&mut pair, S, THREE);
    pair.open(&accepting(Some(Margin::ONE), Some(THREE)));
    assert_eq!(pair.rig.engine.plans.pair(&(ME, 1)).unwrap().plan.legs[0].margin, None);
}

/// What was refused of an intent that is neither an order nor a plan.
fn refused(pair: &Pair) -> Option<RiskRejection> {
    match &pair.rig.effects.facts.last()?.fact {
        Fact::IntentDenied { intent, reason, .. } if intent == "set-leverage" => {
            Some(reason.clone())
        }
        _ => None,
    }
}

fn set(pair: &mut Pair, instrument: InstrumentId, leverage_hundredths: u32) {
    pair.rig.want(vec![Intent::SetLeverage { instrument, leverage_hundredths }]);
}

fn granted() -> Pair {
    let mut config = Pair::new().rig.engine.config;
    config.strategies[0].may_set_leverage = true;
    Pair::over(Engine::new(config))
}

#[test]
fn leverage_is_set_only_with_the_grant_and_not_known_until_told() {
    let mut pair = Pair::new();
    tell(&mut pair, L, THREE);
    set(&mut pair, L, 500);
    assert_eq!(refused(&pair), Some(RiskRejection::NotGranted));

    let mut pair = granted();
    set(&mut pair, L, 500);
    let (asked_hundredths, max_hundredths) = (500, 0);
    let untold = RiskRejection::LeverageNotAllowed { asked_hundredths, max_hundredths };
    assert_eq!(refused(&pair), Some(untold));
    tell(&mut pair, L, THREE);
    tell(&mut pair, S, THREE);
    for asked_hundredths in [99, 2_001] {
        set(&mut pair, L, asked_hundredths);
        let max_hundredths = 2_000;
        let reason = RiskRejection::LeverageNotAllowed { asked_hundredths, max_hundredths };
        assert_eq!(refused(&pair), Some(reason));
    }
    assert_eq!(pair.rig.effects.commands, []);
    set(&mut pair, L, 500);
    let sent = VenueCommand::SetLeverage {
        account: AccountId(0),
        instrument: L,
        leverage_hundredths: 500,
    };
    assert_eq!(pair.rig.effects.commands, [sent]);
    pair.taken = 1;
    // neither the old nor the new one holds until the venue has said so, not after a restart either
    let named = |hundredths| {
        accepting(Some(Margin { leverage_hundredths: hundredths, ..THREE }), Some(THREE))
    };
    let unknown = |reason| matches!(reason, Some(RiskRejection::LeverageUnknown { .. }));
    assert!(unknown(pair.ask(PairKind::Open, &named(300))));
    let mut again = granted();
    again.rig.engine.restore(&pair.rig.effects.facts);
    again.markets();
    assert!(unknown(again.ask_as(2, PairKind::Open, &named(500))));
    let five = Margin { leverage_hundredths: 500, ..THREE };
    tell(&mut pair, L, five);
    let told = pair.rig.effects.deliveries.back().map(|delivery| delivery.what.clone());
    let event = Event::Leverage { instrument: L, leverage_hundredths: 500, max_hundredths: 2_000 };
    assert_eq!(told, Some(Delivered::Event(event)));
    let count = pair.rig.effects.facts.len();
    tell(&mut pair, L, five);
    assert_eq!(pair.rig.effects.facts.len(), count, "told again, nothing new");
    pair.open(&named(500));
    // a plan was judged by it
    set(&mut pair, L, 300);
    assert_eq!(refused(&pair), Some(RiskRejection::PlanInTheWay { plan: 1 }));
    pair.mode(TradingMode::ReduceOnly);
    set(&mut pair, S, 300);
    let mode = TradingMode::ReduceOnly;
    assert_eq!(refused(&pair), Some(RiskRejection::ModeForbids { mode }));
}

/// A leverage that waited too long for its venue's limit was never asked for: the strategy hears
/// it, and what is in force is read again.
#[test]
fn a_leverage_that_could_not_be_asked_for_is_refused_and_read_again() {
    let mut pair = granted();
    tell(&mut pair, L, THREE);
    let retry_after = Duration::from_secs(5);
    pair.report(L, VenueReport::RateLimited { limit: None, retry_after });
    set(&mut pair, L, 500);
    assert_eq!(pair.rig.effects.commands, []);
    pair.pass(1_100);
    let lagging = Some(RiskRejection::VenueLagging { waiting_ms: 1_000 });
    let said = pair.rig.effects.facts.iter().rev().find_map(|stamped| match &stamped.fact {
        Fact::IntentDenied { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(said, lagging);
    pair.pass(5_000);
    let asked = pair.rig.effects.commands.iter();
    let reads = asked.filter(|command| matches!(command, VenueCommand::Reconcile { .. }));
    assert_eq!(reads.count(), 1);
}
