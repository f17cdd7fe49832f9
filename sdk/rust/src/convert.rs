//! The contract's types to and from the model, on the guest's side. The only file that knows both.

use crate::bindings as wit;
use crate::bindings::hedgerow::strategy::types as w;
use crate::describe::Description;
use crate::instrument::Instrument;
use crate::state::SavedState;
use crate::strategy::InitError;
use hedgerow_model as m;
use hedgerow_model::Decimal;
use std::mem::{align_of, offset_of, size_of};

// The two tick types are the same 64 bytes; a list of one may be read as a list of the other.
const _: () = {
    assert!(size_of::<w::Tick>() == size_of::<m::Tick>());
    assert!(align_of::<w::Tick>() == align_of::<m::Tick>());
    assert!(offset_of!(w::Tick, ts) == offset_of!(m::Tick, ts));
    assert!(offset_of!(w::Tick, recv_ts) == offset_of!(m::Tick, recv_ts));
    assert!(offset_of!(w::Tick, seq) == offset_of!(m::Tick, seq));
    assert!(offset_of!(w::Tick, instrument) == offset_of!(m::Tick, instrument));
    assert!(offset_of!(w::Tick, kind) == offset_of!(m::Tick, kind));
    assert!(offset_of!(w::Tick, flags) == offset_of!(m::Tick, flags));
    assert!(offset_of!(w::Tick, a) == offset_of!(m::Tick, a));
    assert!(offset_of!(w::Tick, b) == offset_of!(m::Tick, b));
    assert!(offset_of!(w::Tick, c) == offset_of!(m::Tick, c));
    assert!(offset_of!(w::Tick, d) == offset_of!(m::Tick, d));
};

#[allow(unsafe_code)]
pub(crate) fn ticks(ticks: &[w::Tick]) -> &[m::Tick] {
    // SAFETY: both are plain scalars with the same size, alignment and offsets, asserted above.
    unsafe { std::slice::from_raw_parts(ticks.as_ptr().cast(), ticks.len()) }
}

fn decimal(value: w::Decimal) -> Decimal {
    Decimal::from_i128_with_scale(i128::from(value.mantissa), u32::from(value.scale.min(28)))
}

fn price(units: i64) -> m::Price {
    m::Price::from_units(units)
}

fn quantity(units: i64) -> m::Quantity {
    m::Quantity::from_units(units)
}

fn id(id: u32) -> m::InstrumentId {
    m::InstrumentId(id)
}

fn time(nanos: u64) -> m::HostTime {
    m::HostTime::from_nanos(nanos)
}

pub(crate) fn header(header: w::Header) -> m::Header {
    m::Header {
        now: time(header.now),
        next_order: header.next_order,
        mode: m::TradingMode::from_code(header.mode),
    }
}

pub(crate) fn saved(state: w::SavedState) -> SavedState {
    SavedState { version: state.version, data: state.data }
}

pub(crate) fn init_error(error: InitError) -> wit::InitError {
    match error {
        InitError::BadParameters(why) => wit::InitError::BadParameters(why),
        InitError::BadState(why) => wit::InitError::BadState(why),
        InitError::Other(why) => wit::InitError::Other(why),
    }
}

pub(crate) fn description(description: Description) -> wit::Description {
    wit::Description {
        name: description.name,
        version: description.version,
        contract: description.contract,
        state_version: description.state_version,
        oldest_readable_state: description.oldest_readable_state,
        parameters: description.parameters,
        capabilities: description.capabilities,
        wants: description
            .wants
            .into_iter()
            .map(|want| w::Want {
                role: want.role,
                kinds: want.kinds.into_iter().map(m::TickKind::code).collect(),
                depth: want.depth,
                bar_interval: want.bar_interval,
                bar_history: want.bar_history,
                trades: want.trades,
            })
            .collect(),
    }
}

fn scale(digits: u8) -> m::Scale {
    m::Scale::new(digits.min(18)).unwrap_or(m::Scale::MAX)
}

fn spec(from: &w::Instrument) -> m::Instrument {
    let expiry = m::VenueTime::from_nanos(from.expiry);
    m::Instrument {
        id: id(from.id),
        venue: m::VenueId(from.venue_id),
        symbol: from.symbol.clone(),
        kind: match from.kind {
            1 => m::InstrumentKind::Spot,
            2 => m::InstrumentKind::LinearPerpetual,
            3 => m::InstrumentKind::InversePerpetual,
            4 => m::InstrumentKind::LinearFuture { expiry },
            _ => m::InstrumentKind::InverseFuture { expiry },
        },
        base: from.base.clone(),
        quote: from.quote.clone(),
        settle: from.settle.clone(),
        price_scale: scale(from.price_scale),
        quantity_scale: scale(from.quantity_scale),
        grid: if from.tick > 0 {
            m::PriceGrid::Tick(price(from.tick))
        } else {
            m::PriceGrid::SignificantFigures {
                figures: from.figures,
                max_decimals: from.max_decimals,
            }
        },
        lot: quantity(from.lot),
        min_quantity: quantity(from.min_quantity),
        max_quantity: (from.max_quantity > 0).then_some(quantity(from.max_quantity)),
        min_notional: from.min_notional.map(decimal),
        band: None,
        multiplier: decimal(from.multiplier),
        sequence: m::SequenceRule::Snapshots,
    }
}

pub(crate) fn instrument(from: w::Instrument) -> Instrument {
    Instrument {
        spec: spec(&from),
        role: from.role,
        venue: from.venue,
        account: from.account.map(m::AccountId),
        maker_fee: decimal(from.maker_fee),
        taker_fee: decimal(from.taker_fee),
    }
}

fn side(code: u8) -> m::Side {
    if code == 2 { m::Side::Sell } else { m::Side::Buy }
}

fn side_code(side: m::Side) -> u8 {
    match side {
        m::Side::Buy => 1,
        m::Side::Sell => 2,
    }
}

fn order_update(u: w::OrderUpdate) -> m::OrderUpdate {
    let status = m::OrderStatus::ALL.get(usize::from(u.status)).copied();
    m::OrderUpdate {
        number: u.number,
        instrument: id(u.instrument),
        side: side(u.side),
        status: status.unwrap_or(m::OrderStatus::Unknown),
        price: price(u.price),
        quantity: quantity(u.quantity),
        filled: quantity(u.filled),
        reason: u.reason,
    }
}

fn position(p: w::Position) -> m::PositionUpdate {
    m::PositionUpdate {
        instrument: id(p.instrument),
        quantity: quantity(p.quantity),
        entry: decimal(p.entry),
    }
}

fn balance(b: w::Balance) -> m::BalanceUpdate {
    m::BalanceUpdate {
        account: m::AccountId(b.account),
        asset: b.asset,
        total: decimal(b.total),
        available: decimal(b.available),
    }
}

fn funding(p: w::FundingPayment) -> m::FundingNotice {
    m::FundingNotice {
        instrument: id(p.instrument),
        amount: decimal(p.amount),
        settlement: m::VenueTime::from_nanos(p.settlement),
    }
}

fn opaque(o: w::Opaque) -> m::OpaqueMessage {
    m::OpaqueMessage { code: o.code, json: o.json }
}

fn fee(f: w::Fee) -> m::Fee {
    let asset = match f.asset {
        w::FeeAsset::Settle => m::FeeAsset::Settle,
        w::FeeAsset::Base => m::FeeAsset::Base,
        // the host's names fit
        w::FeeAsset::Other(name) => m::FeeAsset::Other(m::Asset::from(&name).unwrap_or_default()),
    };
    m::Fee { amount: decimal(f.amount), asset }
}

fn fill(f: w::Fill) -> m::FillNotice {
    let maker = f.liquidity == 1;
    m::FillNotice {
        number: f.number,
        instrument: id(f.instrument),
        side: side(f.side),
        price: price(f.price),
        quantity: quantity(f.quantity),
        liquidity: if maker { m::Liquidity::Maker } else { m::Liquidity::Taker },
        fee: fee(f.fee),
        trade: m::TradeId(f.trade),
        position: quantity(f.position),
    }
}

fn resumed(r: w::Resumed) -> m::ResumedState {
    m::ResumedState {
        orders: r.orders.into_iter().map(order_update).collect(),
        positions: r.positions.into_iter().map(position).collect(),
        balances: r.balances.into_iter().map(balance).collect(),
        plans: r.plans.into_iter().map(opaque).collect(),
        timers: r.timers.into_iter().map(|t| (m::TimerId(t.id), time(t.at))).collect(),
        funding: r.funding.into_iter().map(funding).collect(),
        mode: m::TradingMode::from_code(r.mode),
    }
}

pub(crate) fn event(event: w::Event) -> m::Event {
    use m::Event as E;
    match event {
        w::Event::Order(update) => E::Order(order_update(update)),
        w::Event::Fill(f) => E::Fill(fill(f)),
        w::Event::Timer(timer) => E::Timer(m::TimerId(timer)),
        w::Event::Plan(o) => E::Plan(opaque(o)),
        w::Event::Position(p) => E::Position(position(p)),
        w::Event::Balance(b) => E::Balance(balance(b)),
        w::Event::FundingPayment(p) => E::FundingPayment(funding(p)),
        w::Event::Instrument(i) => E::Instrument(spec(&i)),
        w::Event::FeeTier(t) => E::FeeTier {
            instrument: id(t.instrument),
            maker: decimal(t.maker),
            taker: decimal(t.taker),
        },
        w::Event::Leverage(l) => E::Leverage {
            instrument: id(l.instrument),
            leverage_hundredths: l.leverage_hundredths,
            max_hundredths: l.max_hundredths,
        },
        w::Event::BorrowRate(r) => {
            E::BorrowRate { account: m::AccountId(r.account), asset: r.asset, hourly: r.hourly }
        }
        w::Event::OpenInterest(o) => {
            E::OpenInterest { instrument: id(o.instrument), quantity: quantity(o.quantity) }
        }
        w::Event::Venue(v) => E::Venue {
            venue: m::VenueId(v.venue),
            status: match v.status {
                1 => m::VenueStatus::Up,
                3 => m::VenueStatus::Lagging,
                _ => m::VenueStatus::Down,
            },
        },
        w::Event::Market(s) => E::Market {
            instrument: id(s.instrument),
            status: match s.status {
                1 => m::MarketStatus::Fresh,
                2 => m::MarketStatus::Stale,
                4 => m::MarketStatus::Lagging,
                _ => m::MarketStatus::Gap,
            },
        },
        w::Event::Mode(code) => E::Mode(m::TradingMode::from_code(code)),
        w::Event::Parameters(json) => E::Parameters(json),
        w::Event::Fault(f) => E::Fault {
            kind: match f.kind {
                1 => m::FaultKind::Trap,
                2 => m::FaultKind::Deadline,
                3 => m::FaultKind::Memory,
                5 => m::FaultKind::Init,
                _ => m::FaultKind::BadAnswer,
            },
            count: f.count,
        },
        w::Event::Resumed(r) => E::Resumed(resumed(r)),
        w::Event::Other(o) => E::Other(opaque(o)),
    }
}

fn new_order(order: m::NewOrder) -> w::NewOrder {
    let m::OrderFlags { post_only, reduce_only } = order.flags;
    w::NewOrder {
        number: order.number,
        instrument: order.instrument.0,
        side: side_code(order.side),
        price: order.price.units(),
        quantity: order.quantity.units(),
        time_in_force: match order.time_in_force {
            m::TimeInForce::GoodTillCancel => 1,
            m::TimeInForce::ImmediateOrCancel => 2,
            m::TimeInForce::FillOrKill => 3,
        },
        flags: u8::from(post_only) | (u8::from(reduce_only) << 1),
    }
}

fn amend(a: m::Amend) -> w::Amend {
    w::Amend { order: a.order, price: a.price.units(), quantity: a.quantity.units() }
}

fn replacement(r: m::Replacement) -> w::Replacement {
    let m::Replacement { order, number, price, quantity } = r;
    w::Replacement { order, number, price: price.units(), quantity: quantity.units() }
}

fn report(report: m::Report) -> w::Report {
    match report {
        m::Report::Metric { name, value } => w::Report::Metric(w::Metric { name, value }),
        m::Report::Status { text } => w::Report::Status(text),
        m::Report::Record { stream, json } => {
            w::Report::StreamRecord(w::StreamRecord { stream, json })
        }
    }
}

fn intent(intent: m::Intent) -> w::Intent {
    use w::Intent as I;
    match intent {
        m::Intent::Submit(order) => I::Submit(new_order(order)),
        m::Intent::Amend(a) => I::Amend(amend(a)),
        m::Intent::Replace(r) => I::Replace(replacement(r)),
        m::Intent::Cancel(number) => I::Cancel(number),
        m::Intent::CancelAll(instrument) => I::CancelAll(instrument.0),
        m::Intent::Plan { id, kind, json } => I::Plan(w::Plan { id, kind, json }),
        m::Intent::CancelPlan(plan) => I::CancelPlan(plan),
        m::Intent::SetTimer { id, at } => I::SetTimer(w::Timer { id: id.0, at: at.as_nanos() }),
        m::Intent::CancelTimer(timer) => I::CancelTimer(timer.0),
        m::Intent::SetLeverage { instrument, leverage_hundredths } => {
            I::SetLeverage(w::LeverageRequest { instrument: instrument.0, leverage_hundredths })
        }
        m::Intent::Report(r) => I::Report(report(r)),
        m::Intent::Other(o) => I::Other(w::Opaque { code: o.code, json: o.json }),
    }
}

pub(crate) fn outcome(outcome: m::Outcome) -> w::Outcome {
    w::Outcome {
        consumed: outcome.consumed,
        intents: outcome.intents.into_iter().map(intent).collect(),
        checkpoint: outcome.checkpoint,
    }
}
