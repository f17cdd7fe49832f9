//! What plans were estimated to cost and what they cost, summed by venue, instrument and kind.

use super::rows::{Row, row};
use super::{Filter, Names, Told};
use hedgerow_model::{Decimal, HostTime, PairKind, PairOutcome};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const QUALITY: &[&str] =
    &["day", "venue", "instrument", "kind", "figure", "count", "sum", "average", "min", "max"];
/// Count, sum, least and most of a figure.
#[derive(Default)]
struct Figure {
    count: u64,
    sum: Decimal,
    least: Option<Decimal>,
    most: Option<Decimal>,
}

impl Figure {
    fn add(&mut self, value: Decimal) {
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.least = Some(self.least.map_or(value, |least| least.min(value)));
        self.most = Some(self.most.map_or(value, |most| most.max(value)));
    }

    fn average(&self) -> Option<Decimal> {
        let average = self.sum.checked_div(Decimal::from(self.count))?;
        Some(average.round_dp(6).normalize())
    }
}

/// A day since the epoch as a person writes it.
fn day(time: HostTime) -> String {
    let days = time.as_nanos() / 86_400_000_000_000 + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + next)
}

/// The key of a group: day, venue, instrument, kind, and the figure's place and name.
type Group = (String, String, String, &'static str, (u8, &'static str));

/// By venue, instrument and kind of plan: what was estimated and what it cost, leg by leg, and what
/// the plans took that traded there.
pub(super) fn quality(all: &[Told], names: &Names, filter: &Filter) -> Vec<Row> {
    let mut figures: BTreeMap<Group, Figure> = BTreeMap::new();
    for told in all {
        let Some(result) = &told.result else { continue };
        let when = if filter.daily { day(told.began) } else { String::new() };
        for (planned, leg) in told.plan.legs.iter().zip(&result.legs) {
            let instrument = names.of("instrument", planned.instrument.0);
            let venue = instrument.split(':').next().unwrap_or("?").to_owned();
            let kind = PairKind::word(told.plan.kind);
            let mut add = |place, figure, value: Option<Decimal>| {
                let key = (when.clone(), venue.clone(), instrument.clone(), kind, (place, figure));
                if let Some(value) = value {
                    figures.entry(key).or_default().add(value);
                }
            };
            let slipped = leg.slippage_bps;
            let estimate = slipped.map(|_| planned.estimate_bps);
            add(0, "estimate_bps", estimate);
            add(1, "slippage_bps", slipped);
            add(2, "slippage_beyond_estimate_bps", slipped.zip(estimate).map(|(s, e)| s - e));
            let share = leg.base.checked_div(planned.base).map(|share| share.round_dp(6));
            add(3, "filled_share", share);
            add(4, "fees", Some(leg.fees));
            let level = !matches!(result.outcome, PairOutcome::Stuck { .. });
            add(5, "ms_to_balanced", level.then(|| Decimal::from(result.took_ms)));
            add(6, "retries", Some(Decimal::from(result.retries)));
            add(7, "repair_loss", Some(result.repair_loss));
        }
    }
    let of = |((day, venue, instrument, kind, (_, name)), figure): (&Group, &Figure)| {
        row(json!({
            "day": (!day.is_empty()).then_some(day),
            "venue": venue,
            "instrument": instrument,
            "kind": kind,
            "figure": name,
            "count": figure.count,
            "sum": figure.sum.normalize(),
            "average": figure.average(),
            "min": figure.least,
            "max": figure.most,
        }))
    };
    figures.iter().map(of).collect()
}
