//! What a run did, from its facts: counts, fills, fees and profit per strategy and instrument.
//!
//! A report holds nothing of the machine or the wall clock: two runs of the same inputs give the
//! same bytes. Money is in each instrument's settle asset and is never added over different ones.

mod pnl;

use hedgerow_model::view::{EarnedView, PositionView};
use hedgerow_model::{
    Asset, Decimal, Fact, Instrument, InstrumentId, Liquidity, OrderEvent, OrderFact, Scope,
    Stamped, StrategyId,
};
use serde::Serialize;
use std::collections::BTreeMap;

pub use pnl::{By, PNL_KINDS, Pnl, Row};

/// One strategy in one instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InstrumentResult {
    /// Venue and symbol.
    pub name: String,
    /// The asset of the money below.
    pub settle: String,
    /// Fills as maker.
    pub maker_fills: u64,
    /// Fills as taker.
    pub taker_fills: u64,
    /// Traded value.
    pub turnover: Decimal,
    /// Profit of closed parts.
    pub realised: Decimal,
    /// Profit of the open part at the last mark.
    pub unrealised: Option<Decimal>,
    /// Fees paid, those in the base asset at the price of their fill.
    pub fees: Decimal,
    /// Fees paid in assets that the instrument does not price; not in `fees` nor in `net`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_fees: BTreeMap<Asset, Decimal>,
    /// Funding received.
    pub funding: Decimal,
    /// Realised and unrealised and funding less fees and interest.
    pub net: Option<Decimal>,
    /// The open position.
    pub position: Decimal,
}

impl InstrumentResult {
    /// Fees, those in other assets beside them.
    #[must_use]
    pub fn fees_in_words(&self) -> String {
        let priced = self.fees.round_dp(8).normalize().to_string();
        let others = self.other_fees.iter();
        others.fold(priced, |all, (asset, paid)| format!("{all} + {} {asset}", paid.normalize()))
    }
}

/// One strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StrategyResult {
    /// Its name.
    pub name: String,
    /// Name and version of its component.
    pub component: String,
    /// SHA-256 of its component.
    pub hash: String,
    /// Orders that the gate approved.
    pub orders: u64,
    /// Orders that the gate denied, by reason.
    pub denied: BTreeMap<String, u64>,
    /// Orders that the venue rejected.
    pub rejected: u64,
    /// Orders canceled.
    pub canceled: u64,
    /// Faults of its component.
    pub faults: u64,
    /// Mode changes with their reasons.
    pub modes: Vec<String>,
    /// By instrument.
    pub instruments: Vec<InstrumentResult>,
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// Layout of this document.
    pub schema: u32,
    /// Ticks handled.
    pub ticks: u64,
    /// Host time of the first and last tick, ns.
    pub from_ns: u64,
    /// Host time of the last tick, ns.
    pub to_ns: u64,
    /// Facts journaled.
    pub facts: u64,
    /// SHA-256 of the journal.
    pub journal: String,
    /// Fills per (wire) of the whole run.
    pub fills: u64,
    /// Positions that were closed by the delivery of their contracts.
    pub deliveries: u64,
    /// Sequence gaps the engine saw.
    pub gaps: u64,
    /// By strategy.
    pub strategies: Vec<StrategyResult>,
    /// What was earned and paid, per strategy, account and asset.
    pub earned: Vec<EarnedView>,
    /// What the simulation leaves out.
    pub assumptions: Vec<String>,
}

/// Who ran.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its name.
    pub name: String,
    /// Name and version of its component.
    pub component: String,
    /// SHA-256 of its component.
    pub hash: String,
    /// Its positions at the end.
    pub positions: Vec<PositionView>,
}

/// Folds the facts of a run.
#[must_use]
pub fn summarise(
    facts: &[Stamped],
    instruments: &[Instrument],
    ran: &[Ran],
    assumptions: Vec<String>,
) -> RunReport {
    let mut report = RunReport { schema: 1, assumptions, ..RunReport::default() };
    report.facts = facts.len() as u64;
    report.strategies = ran.iter().map(begin).collect();
    for stamped in facts {
        take(&mut report, instruments, ran, &stamped.fact);
    }
    report
}

fn begin(ran: &Ran) -> StrategyResult {
    let of = |view: &PositionView| InstrumentResult {
        name: view.name.clone(),
        settle: view.settle.clone(),
        realised: view.realised,
        unrealised: view.unrealised,
        fees: view.fees,
        other_fees: view.other_fees.clone(),
        funding: view.funding,
        net: view
            .unrealised
            .map(|open| view.realised + open + view.funding - view.fees - view.interest),
        position: view.quantity,
        ..InstrumentResult::default()
    };
    StrategyResult {
        name: ran.name.clone(),
        component: ran.component.clone(),
        hash: ran.hash.clone(),
        instruments: ran.positions.iter().map(of).collect(),
        ..StrategyResult::default()
    }
}

fn take(report: &mut RunReport, instruments: &[Instrument], ran: &[Ran], fact: &Fact) {
    let of = |strategies: &mut Vec<StrategyResult>, id: StrategyId| -> Option<usize> {
        (id.index() < strategies.len()).then_some(id.index())
    };
    match fact {
        Fact::Order { id, fact } => {
            let Some(at) = of(&mut report.strategies, id.strategy) else {
                return;
            };
            let strategy = &mut report.strategies[at];
            match fact {
                OrderFact::Approved(_) => strategy.orders += 1,
                OrderFact::Denied { reason, .. } => {
                    let text = format!("{reason:?}");
                    let name = text.split([' ', '{', '(']).next().unwrap_or("?").to_owned();
                    *strategy.denied.entry(name).or_default() += 1;
                }
                OrderFact::Moved { event: OrderEvent::Rejected, .. } => strategy.rejected += 1,
                OrderFact::Moved { event: OrderEvent::Canceled, .. } => strategy.canceled += 1,
                _ => {}
            }
        }
        Fact::Fill { id, instrument, price, quantity, liquidity, .. } => {
            report.fills += 1;
            let spec = instruments.get(instrument.index());
            let value = spec.and_then(|i| i.value(*price, *quantity).ok()).unwrap_or_default();
            let place = place(ran, id.strategy, *instrument);
            let strategy = report.strategies.get_mut(id.strategy.index());
            let Some(result) = strategy.and_then(|s| s.instruments.get_mut(place?)) else {
                return;
            };
            result.turnover += value;
            match liquidity {
                Liquidity::Maker => result.maker_fills += 1,
                Liquidity::Taker => result.taker_fills += 1,
            }
        }
        Fact::Delivered { .. } => report.deliveries += 1,
        Fact::Fault { strategy, .. } => {
            if let Some(at) = of(&mut report.strategies, *strategy) {
                report.strategies[at].faults += 1;
            }
        }
        Fact::Mode { scope: Scope::Strategy(strategy), mode, reason } => {
            if let Some(at) = of(&mut report.strategies, *strategy) {
                report.strategies[at].modes.push(format!("{mode}: {reason}"));
            }
        }
        Fact::Market { status: hedgerow_model::MarketStatus::Gap, .. } => report.gaps += 1,
        _ => {}
    }
}

fn place(ran: &[Ran], strategy: StrategyId, instrument: InstrumentId) -> Option<usize> {
    ran.get(strategy.index())?.positions.iter().position(|view| view.instrument == instrument)
}
