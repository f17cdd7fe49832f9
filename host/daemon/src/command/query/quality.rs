//! What plans were estimated to cost and what they cost, summed by venue, instrument and kind.

use super::rows::{Row, row};
use super::{Filter, Names, Told, singles};
use hedgerow_model::{Decimal, HostTime, InstrumentId, PairKind, PairOutcome, Quantity};
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

/// Figures of all groups.
struct Figures<'a> {
    names: &'a Names,
    daily: bool,
    all: BTreeMap<Group, Figure>,
}

/// What a figure is of.
struct Of {
    when: String,
    venue: String,
    instrument: String,
    kind: &'static str,
}

impl Figures<'_> {
    fn of(&self, began: HostTime, instruments: &[InstrumentId], kind: &'static str) -> Of {
        let named = |id: &InstrumentId| self.names.of("instrument", id.0);
        let instruments: Vec<String> = instruments.iter().map(named).collect();
        let venue = |name: &String| name.split(':').next().unwrap_or("?").to_owned();
        let mut venues: Vec<String> = instruments.iter().map(venue).collect();
        venues.dedup();
        let when = if self.daily { day(began) } else { String::new() };
        Of { when, venue: venues.join(" + "), instrument: instruments.join(" + "), kind }
    }

    fn add(&mut self, of: &Of, (place, figure): (u8, &'static str), value: Option<Decimal>) {
        let (when, venue, instrument) = (of.when.clone(), of.venue.clone(), of.instrument.clone());
        let key = (when, venue, instrument, of.kind, (place, figure));
        if let Some(value) = value {
            self.all.entry(key).or_default().add(value);
        }
    }

    /// What was estimated counts only beside what came of it.
    fn slipped(&mut self, of: &Of, slipped: Option<Decimal>, estimate: Option<Decimal>) {
        let estimate = estimate.filter(|_| slipped.is_some());
        self.add(of, (0, "estimate_bps"), estimate);
        self.add(of, (1, "slippage_bps"), slipped);
        let beyond = slipped.zip(estimate).map(|(s, e)| s - e);
        self.add(of, (2, "slippage_beyond_estimate_bps"), beyond);
    }

    /// Each leg by itself, and once for both what the pair took.
    fn pair(&mut self, told: &Told) {
        let Some(result) = &told.result else { return };
        let kind = PairKind::word(told.plan.kind);
        for (planned, leg) in told.plan.legs.iter().zip(&result.legs) {
            let of = self.of(told.began, &[planned.instrument], kind);
            self.slipped(&of, leg.slippage_bps, Some(planned.estimate_bps));
            let share = leg.base.checked_div(planned.base).map(|share| share.round_dp(6));
            self.add(&of, (3, "filled_share"), share);
            self.add(&of, (4, "fees"), Some(leg.fees));
        }
        let both = told.plan.legs.each_ref().map(|leg| leg.instrument);
        let of = self.of(told.began, &both, kind);
        let level = !matches!(result.outcome, PairOutcome::Stuck { .. });
        self.add(&of, (5, "ms_to_balanced"), level.then(|| Decimal::from(result.took_ms)));
        self.add(&of, (6, "retries"), Some(Decimal::from(result.retries)));
        self.add(&of, (7, "repair_loss"), Some(result.repair_loss));
    }

    fn single(&mut self, told: &singles::Told) {
        let (plan, Some(result)) = (&told.plan, &told.result) else { return };
        let figures = &result.figures;
        let of = self.of(told.began, &[plan.request.instrument()], plan.request.kind().word());
        let estimate = plan.expected.and_then(|expected| {
            let over = expected.checked_sub(plan.middle)?.checked_div(plan.middle)?;
            let bps = over.checked_mul(Decimal::from(10_000 * plan.side.sign()))?;
            Some(bps.round_dp(4).normalize())
        });
        self.slipped(&of, figures.slippage_bps, estimate);
        let units = |quantity: Quantity| Decimal::from(quantity.units());
        let share = units(figures.filled).checked_div(units(plan.target));
        self.add(&of, (3, "filled_share"), share.map(|share| share.round_dp(6)));
        self.add(&of, (4, "fees"), Some(figures.fees));
        self.add(&of, (5, "took_ms"), Some(Decimal::from(result.took_ms)));
        self.add(&of, (6, "orders"), Some(Decimal::from(figures.attempts)));
    }
}

/// By venue, instrument and kind of plan: what was estimated and what it cost, leg by leg, what
/// each pair took as a whole, and the same of plans of one leg.
pub(super) fn quality(
    (pairs, singles): (&[Told], &[singles::Told]),
    names: &Names,
    filter: &Filter,
) -> Vec<Row> {
    let mut figures = Figures { names, daily: filter.daily, all: BTreeMap::new() };
    pairs.iter().for_each(|told| figures.pair(told));
    singles.iter().for_each(|told| figures.single(told));
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
    figures.all.iter().map(of).collect()
}
