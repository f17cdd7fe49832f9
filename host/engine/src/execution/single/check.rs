//! Parameters of plans of one leg that make no sense, each refused with the reason.

use super::begin::{slices, wrong};
use hedgerow_model::{
    BarrierRequest, Decimal, OrderSize, RiskRejection, SingleRequest, TwapRequest,
};

/// The most attempts, steps or tries a plan may ask for.
const TRIES_MAX: u32 = 100;
/// The most slices.
const SLICES_MAX: u64 = 10_000;

type Checked = Result<(), RiskRejection>;

pub(super) fn check(request: &SingleRequest) -> Checked {
    match request {
        SingleRequest::Limit(r) => {
            sized(r.size)?;
            above_zero("price", r.price)?;
            time("timeout_ms", r.timeout_ms)
        }
        SingleRequest::Market(r) => {
            sized(r.size)?;
            bps("slippage_bps", r.slippage_bps)?;
            time("timeout_ms", r.timeout_ms)
        }
        SingleRequest::AggressiveLimit(r) => {
            sized(r.size)?;
            if r.cross_ticks.is_some() && r.bps.is_some() {
                return Err(wrong("cross_ticks and bps: one of them, not both"));
            }
            bps("bps", r.bps.unwrap_or(0))?;
            tries("max_retries", r.max_retries.saturating_add(1))?;
            time("attempt_ms", r.attempt_ms)?;
            time("timeout_ms", r.timeout_ms)
        }
        SingleRequest::InsideSpread(r) => {
            sized(r.size)?;
            bps("slippage_bps", r.slippage_bps)?;
            tries("steps", r.steps)?;
            time("attempt_ms", r.attempt_ms)?;
            time("timeout_ms", r.timeout_ms)
        }
        SingleRequest::Tiered(r) => {
            sized(r.size)?;
            r.price.map_or(Ok(()), |price| above_zero("price", price))?;
            bps("slippage_bps", r.slippage_bps)?;
            time("limit_ms", r.limit_ms)?;
            longer(("timeout_ms", r.timeout_ms), ("limit_ms", r.limit_ms))
        }
        SingleRequest::Chase(r) => {
            sized(r.size)?;
            above_zero("limit_price", r.limit_price)?;
            time("timeout_ms", r.timeout_ms)?;
            time("step_ms", r.step_ms)?;
            tries("refresh_ticks", r.refresh_ticks)?;
            tries("cross_steps", r.cross_steps.max(1))?;
            if r.distance_ticks > 1_000_000 {
                return Err(wrong("distance_ticks: at most 1000000"));
            }
            Ok(())
        }
        SingleRequest::Twap(r) => check_twap(r),
        SingleRequest::ClosePosition(r) => {
            if r.size != OrderSize::All {
                sized(r.size)?;
            }
            bps("slippage_bps", r.slippage_bps)?;
            tries("tries", r.tries)?;
            time("timeout_ms", r.timeout_ms)
        }
        SingleRequest::Barrier(r) => check_barrier(r),
    }
}

fn check_twap(request: &TwapRequest) -> Checked {
    sized(request.size)?;
    bps("slippage_bps", request.slippage_bps)?;
    time("interval_ms", request.interval_ms)?;
    if slices(request) == 0 || slices(request) > SLICES_MAX {
        let detail = format!("horizon_ms / interval_ms: from 1 to {SLICES_MAX} slices");
        return Err(wrong(detail));
    }
    match request.maker_ms {
        Some(maker) => {
            time("maker_ms", maker)?;
            longer(("interval_ms", request.interval_ms), ("maker_ms", maker))
        }
        None => Ok(()),
    }
}

fn check_barrier(request: &BarrierRequest) -> Checked {
    if let Some(entry) = &request.entry {
        sized(entry.size)?;
        match (entry.price, entry.slippage_bps) {
            (Some(price), None) => above_zero("entry.price", price)?,
            (None, Some(reach)) => bps("entry.slippage_bps", reach)?,
            _ => return Err(wrong("entry: a price or slippage_bps, one of them")),
        }
        if entry.post_only && entry.price.is_none() {
            return Err(wrong("entry.post_only: only with a price"));
        }
    }
    match request.held {
        None if request.entry.is_none() => {
            return Err(wrong("entry or held: one of them at least"));
        }
        None | Some(OrderSize::All) => {}
        Some(size) => sized(size)?,
    }
    let BarrierRequest { stop_loss, take_profit, trailing, time_limit_ms, .. } = request;
    if stop_loss.is_none() && take_profit.is_none() && trailing.is_none() && time_limit_ms.is_none()
    {
        return Err(wrong("stop_loss, take_profit, trailing, time_limit_ms: one of them at least"));
    }
    for (name, share) in [("stop_loss", stop_loss), ("take_profit", take_profit)] {
        share.map_or(Ok(()), |share| fraction(name, share))?;
    }
    if let Some(trailing) = trailing {
        fraction("trailing.delta", trailing.delta)?;
        if trailing.activation.is_sign_negative() || trailing.activation >= Decimal::TEN {
            return Err(wrong("trailing.activation: a fraction of zero or more, below 10"));
        }
    }
    let rate = Decimal::new(1, 1);
    if request.entry_fee_rate.abs() >= rate || request.exit_fee_rate.abs() >= rate {
        return Err(wrong("entry_fee_rate and exit_fee_rate: fractions below 0.1"));
    }
    if *time_limit_ms == Some(0) {
        return Err(wrong("time_limit_ms: it must be above zero"));
    }
    bps("exit_bps", request.exit_bps)?;
    tries("tries", request.tries)
}

fn sized(size: OrderSize) -> Checked {
    match size {
        OrderSize::Base(size) | OrderSize::Quote(size) => above_zero("size", size),
        OrderSize::All => Err(wrong("size: \"all\" only of what is held, to close or to watch it")),
    }
}

fn above_zero(name: &str, value: Decimal) -> Checked {
    if value > Decimal::ZERO {
        Ok(())
    } else {
        Err(wrong(format!("{name}: it must be above zero")))
    }
}

fn fraction(name: &str, value: Decimal) -> Checked {
    let fits = value > Decimal::ZERO && value < Decimal::TEN;
    if fits { Ok(()) } else { Err(wrong(format!("{name}: a fraction above zero, below 10"))) }
}

fn bps(name: &str, value: u32) -> Checked {
    if value < 10_000 { Ok(()) } else { Err(wrong(format!("{name}: below 10000"))) }
}

fn tries(name: &str, value: u32) -> Checked {
    let fits = (1..=TRIES_MAX).contains(&value);
    if fits { Ok(()) } else { Err(wrong(format!("{name}: from 1 to {TRIES_MAX}"))) }
}

fn time(name: &str, ms: u32) -> Checked {
    if ms > 0 { Ok(()) } else { Err(wrong(format!("{name}: it must be above zero"))) }
}

fn longer((long, more): (&str, u32), (short, less): (&str, u32)) -> Checked {
    if more > less { Ok(()) } else { Err(wrong(format!("{long}: it must be above {short}"))) }
}
