//! The contract's types to and from the model, on the host's side. The only file that knows both.
//!
//! Towards the guest nothing can fail; a decimal that has more digits than fit 64 bits is rounded
//! half-even to those that do. From the guest everything is checked: a code that means nothing is a
//! broken answer.

use crate::bindings::wit;
use crate::load::{Description, WantedRole};
use hedgerow_model as m;
use hedgerow_model::{Decimal, Rounding, TickKind};
use std::sync::Arc;

/// A decimal in 64 bits: the digits that fit, the rest rounded half-even.
pub(crate) fn decimal(value: Decimal) -> wit::Decimal {
    let mut value = value.normalize();
    loop {
        let scale = value.scale();
        if let (Ok(mantissa), Ok(scale)) = (i64::try_from(value.mantissa()), u8::try_from(scale)) {
            return wit::Decimal { mantissa, scale };
        }
        if scale == 0 {
            let mantissa = if value.is_sign_negative() { i64::MIN } else { i64::MAX };
            return wit::Decimal { mantissa, scale: 0 };
        }
        value = Rounding::HalfEven.decimal(value, scale - 1);
    }
}

fn side(side: m::Side) -> u8 {
    match side {
        m::Side::Buy => 1,
        m::Side::Sell => 2,
    }
}

fn status(status: m::OrderStatus) -> u8 {
    let place = m::OrderStatus::ALL.iter().position(|known| *known == status);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(10)
}

fn order(update: &m::OrderUpdate) -> wit::OrderUpdate {
    wit::OrderUpdate {
        number: update.number,
        instrument: update.instrument.0,
        side: side(update.side),
        status: status(update.status),
        price: update.price.units(),
        quantity: update.quantity.units(),
        filled: update.filled.units(),
        reason: update.reason,
    }
}

fn position(update: &m::PositionUpdate) -> wit::Position {
    wit::Position {
        instrument: update.instrument.0,
        quantity: update.quantity.units(),
        entry: decimal(update.entry),
    }
}

fn balance(update: &m::BalanceUpdate) -> wit::Balance {
    wit::Balance {
        account: update.account.0,
        asset: update.asset.clone(),
        total: decimal(update.total),
        available: decimal(update.available),
    }
}

fn funding(notice: &m::FundingNotice) -> wit::FundingPayment {
    wit::FundingPayment {
        instrument: notice.instrument.0,
        amount: decimal(notice.amount),
        settlement: notice.settlement.as_nanos(),
    }
}

fn opaque(message: &m::OpaqueMessage) -> wit::Opaque {
    wit::Opaque { code: message.code, json: message.json.clone() }
}

fn timer((id, at): &(m::TimerId, m::HostTime)) -> wit::Timer {
    wit::Timer { id: id.0, at: at.as_nanos() }
}

/// One instrument as a strategy gets it.
pub(crate) fn instrument(
    spec: &m::Instrument,
    role: &str,
    venue: &str,
    account: Option<m::AccountId>,
    (maker_fee, taker_fee): (Decimal, Decimal),
) -> wit::Instrument {
    let (kind, expiry) = match spec.kind {
        m::InstrumentKind::Spot => (1, 0),
        m::InstrumentKind::LinearPerpetual => (2, 0),
        m::InstrumentKind::InversePerpetual => (3, 0),
        m::InstrumentKind::LinearFuture { expiry } => (4, expiry.as_nanos()),
        m::InstrumentKind::InverseFuture { expiry } => (5, expiry.as_nanos()),
    };
    let (tick, figures, max_decimals) = match spec.grid {
        m::PriceGrid::Tick(tick) => (tick.units(), 0, 0),
        m::PriceGrid::SignificantFigures { figures, max_decimals } => (0, figures, max_decimals),
    };
    wit::Instrument {
        id: spec.id.0,
        role: role.to_owned(),
        venue: venue.to_owned(),
        venue_id: spec.venue.0,
        symbol: spec.symbol.clone(),
        kind,
        base: spec.base.clone(),
        quote: spec.quote.clone(),
        settle: spec.settle.clone(),
        price_scale: spec.price_scale.digits(),
        quantity_scale: spec.quantity_scale.digits(),
        tick,
        figures,
        max_decimals,
        lot: spec.lot.units(),
        min_quantity: spec.min_quantity.units(),
        max_quantity: spec.max_quantity.map_or(0, m::Quantity::units),
        min_notional: spec.min_notional.map(decimal),
        multiplier: decimal(spec.multiplier),
        expiry,
        account: account.map(|id| id.0),
        maker_fee: decimal(maker_fee),
        taker_fee: decimal(taker_fee),
    }
}

fn fault_kind(kind: m::FaultKind) -> u8 {
    match kind {
        m::FaultKind::Trap => 1,
        m::FaultKind::Deadline => 2,
        m::FaultKind::Memory => 3,
        m::FaultKind::BadAnswer => 4,
        m::FaultKind::Init => 5,
    }
}

fn fee(fee: &m::Fee) -> wit::Fee {
    let asset = match fee.asset {
        m::FeeAsset::Settle => wit::FeeAsset::Settle,
        m::FeeAsset::Base => wit::FeeAsset::Base,
        m::FeeAsset::Other(name) => wit::FeeAsset::Other(name.to_string()),
    };
    wit::Fee { amount: decimal(fee.amount), asset }
}

fn fill(fill: &m::FillNotice) -> wit::Fill {
    wit::Fill {
        number: fill.number,
        instrument: fill.instrument.0,
        side: side(fill.side),
        price: fill.price.units(),
        quantity: fill.quantity.units(),
        liquidity: match fill.liquidity {
            m::Liquidity::Maker => 1,
            m::Liquidity::Taker => 2,
        },
        fee: fee(&fill.fee),
        trade: fill.trade.0,
        position: fill.position.units(),
    }
}

fn venue_status(status: m::VenueStatus) -> u8 {
    match status {
        m::VenueStatus::Up => 1,
        m::VenueStatus::Down => 2,
        m::VenueStatus::Lagging => 3,
    }
}

fn market_status(status: m::MarketStatus) -> u8 {
    match status {
        m::MarketStatus::Fresh => 1,
        m::MarketStatus::Stale => 2,
        m::MarketStatus::Gap => 3,
        m::MarketStatus::Lagging => 4,
    }
}

fn resumed(state: &m::ResumedState) -> wit::Resumed {
    wit::Resumed {
        orders: state.orders.iter().map(order).collect(),
        positions: state.positions.iter().map(position).collect(),
        balances: state.balances.iter().map(balance).collect(),
        plans: state.plans.iter().map(opaque).collect(),
        timers: state.timers.iter().map(timer).collect(),
        funding: state.funding.iter().map(funding).collect(),
        mode: state.mode.code(),
    }
}

/// An event as a strategy gets it.
pub(crate) fn event(event: &m::Event) -> wit::Event {
    use wit::Event as E;
    match event {
        m::Event::Order(update) => E::Order(order(update)),
        m::Event::Fill(notice) => E::Fill(fill(notice)),
        m::Event::Timer(id) => E::Timer(id.0),
        m::Event::Plan(message) => E::Plan(opaque(message)),
        m::Event::Position(update) => E::Position(position(update)),
        m::Event::Balance(update) => E::Balance(balance(update)),
        m::Event::FundingPayment(notice) => E::FundingPayment(funding(notice)),
        m::Event::Instrument(spec) => {
            let none = (Decimal::ZERO, Decimal::ZERO);
            E::Instrument(instrument(spec, "", "", None, none))
        }
        m::Event::FeeTier { instrument, maker, taker } => E::FeeTier(wit::FeeTier {
            instrument: instrument.0,
            maker: decimal(*maker),
            taker: decimal(*taker),
        }),
        m::Event::Leverage { instrument, leverage_hundredths, max_hundredths } => {
            E::Leverage(wit::Leverage {
                instrument: instrument.0,
                leverage_hundredths: *leverage_hundredths,
                max_hundredths: *max_hundredths,
            })
        }
        m::Event::BorrowRate { account, asset, hourly } => E::BorrowRate(wit::BorrowRate {
            account: account.0,
            asset: asset.clone(),
            hourly: *hourly,
        }),
        m::Event::OpenInterest { instrument, quantity } => E::OpenInterest(wit::OpenInterest {
            instrument: instrument.0,
            quantity: quantity.units(),
        }),
        m::Event::Venue { venue, status } => {
            E::Venue(wit::VenueStatus { venue: venue.0, status: venue_status(*status) })
        }
        m::Event::Market { instrument, status } => {
            let status = market_status(*status);
            E::Market(wit::MarketStatus { instrument: instrument.0, status })
        }
        m::Event::Mode(mode) => E::Mode(mode.code()),
        m::Event::Parameters(json) => E::Parameters(json.clone()),
        m::Event::Fault { kind, count } => {
            E::Fault(wit::FaultNotice { kind: fault_kind(*kind), count: *count })
        }
        m::Event::Resumed(state) => E::Resumed(resumed(state)),
        m::Event::Other(message) => E::Other(opaque(message)),
    }
}

fn amend(amend: &wit::Amend) -> m::Amend {
    m::Amend {
        order: amend.order,
        price: m::Price::from_units(amend.price),
        quantity: m::Quantity::from_units(amend.quantity),
    }
}

fn replacement(replacement: &wit::Replacement) -> m::Replacement {
    m::Replacement {
        order: replacement.order,
        number: replacement.number,
        price: m::Price::from_units(replacement.price),
        quantity: m::Quantity::from_units(replacement.quantity),
    }
}

fn new_order(order: &wit::NewOrder) -> Result<m::NewOrder, String> {
    let unknown = |what: &str, code: u8| Err(format!("{what} {code} means nothing"));
    Ok(m::NewOrder {
        number: order.number,
        instrument: m::InstrumentId(order.instrument),
        side: match order.side {
            1 => m::Side::Buy,
            2 => m::Side::Sell,
            code => return unknown("side", code),
        },
        price: m::Price::from_units(order.price),
        quantity: m::Quantity::from_units(order.quantity),
        time_in_force: match order.time_in_force {
            1 => m::TimeInForce::GoodTillCancel,
            2 => m::TimeInForce::ImmediateOrCancel,
            3 => m::TimeInForce::FillOrKill,
            code => return unknown("time in force", code),
        },
        flags: match order.flags {
            bits if bits < 4 => {
                m::OrderFlags { post_only: bits & 1 != 0, reduce_only: bits & 2 != 0 }
            }
            code => return unknown("order flags", code),
        },
    })
}

fn report(report: wit::Report) -> m::Report {
    match report {
        wit::Report::Metric(metric) => m::Report::Metric { name: metric.name, value: metric.value },
        wit::Report::Status(text) => m::Report::Status { text },
        wit::Report::StreamRecord(record) => {
            m::Report::Record { stream: record.stream, json: record.json }
        }
    }
}

fn intent(intent: wit::Intent) -> Result<m::Intent, String> {
    use wit::Intent as I;
    Ok(match intent {
        I::Submit(order) => m::Intent::Submit(new_order(&order)?),
        I::Amend(change) => m::Intent::Amend(amend(&change)),
        I::Replace(change) => m::Intent::Replace(replacement(&change)),
        I::Cancel(number) => m::Intent::Cancel(number),
        I::CancelAll(id) => m::Intent::CancelAll(m::InstrumentId(id)),
        I::Plan(plan) => m::Intent::Plan { id: plan.id, kind: plan.kind, json: plan.json },
        I::CancelPlan(id) => m::Intent::CancelPlan(id),
        I::SetTimer(timer) => {
            m::Intent::SetTimer { id: m::TimerId(timer.id), at: m::HostTime::from_nanos(timer.at) }
        }
        I::CancelTimer(id) => m::Intent::CancelTimer(m::TimerId(id)),
        I::SetLeverage(request) => m::Intent::SetLeverage {
            instrument: m::InstrumentId(request.instrument),
            leverage_hundredths: request.leverage_hundredths,
        },
        I::Report(said) => m::Intent::Report(report(said)),
        I::Other(o) => m::Intent::Other(m::OpaqueMessage { code: o.code, json: o.json }),
    })
}

/// An answer, if every code in it means something.
pub(crate) fn outcome(outcome: wit::Outcome) -> Result<m::Outcome, String> {
    Ok(m::Outcome {
        consumed: outcome.consumed,
        intents: outcome.intents.into_iter().map(intent).collect::<Result<_, _>>()?,
        checkpoint: outcome.checkpoint,
    })
}

/// What a component may say of itself: a parsed schema takes many times the memory of its text, and
/// is kept as long as the component.
const SCHEMA_BYTES: usize = 256 << 10;
const CAPABILITIES: usize = 16;
const ROLES: usize = 256;
const KINDS: usize = 64;

/// What a component says of itself.
pub(crate) fn description(said: wit::Description) -> Result<Description, String> {
    let kinds = said.wants.iter().map(|want| want.kinds.len()).max().unwrap_or(0);
    for (what, has, most) in [
        ("bytes of parameter schema", said.parameters.len(), SCHEMA_BYTES),
        ("capabilities", said.capabilities.len(), CAPABILITIES),
        ("roles", said.wants.len(), ROLES),
        ("kinds of data for one role", kinds, KINDS),
    ] {
        if has > most {
            return Err(format!("it has {has} {what}, {most} are allowed"));
        }
    }
    if let Some(want) = said.wants.iter().find(|want| want.depth != 0) {
        let (role, depth) = (m::printable(&want.role, 64), want.depth);
        return Err(format!(
            "role {role} asks for {depth} levels of the book: this host gives all of them; ask for \
             0 (all)"
        ));
    }
    let parameters = serde_json::from_str(&said.parameters)
        .map_err(|e| format!("its parameter schema is not JSON: {e}"))?;
    let want = |want: wit::Want| WantedRole {
        role: want.role,
        kinds: want.kinds.into_iter().filter_map(TickKind::from_code).collect(),
        bars: (want.bar_interval > 0).then_some(m::Bars {
            interval: m::Duration::from_nanos(want.bar_interval),
            history: want.bar_history,
        }),
        trades: want.trades,
    };
    Ok(Description {
        name: said.name,
        version: said.version,
        contract: said.contract,
        state_version: said.state_version,
        oldest_readable_state: said.oldest_readable_state,
        parameters: Arc::new(parameters),
        capabilities: said.capabilities,
        wants: said.wants.into_iter().map(want).collect(),
    })
}

#[cfg(test)]
mod tests;
