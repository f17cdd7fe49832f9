//! What the guards of a form measure from: where the measures began, the highest profit since,
//! where the day began. Facts know all of it, so that a restart forgets none.

use super::{Exposure, Form, FormId, Gauge};
use hedgerow_model::{Decimal, Scope};

impl Exposure {
    /// Whether the highest profit is so far above what facts know that a restart must not forget
    /// it: by a sixteenth of the drawdown limit.
    pub(crate) fn is_peak_due(&self, id: FormId, gauge: &Gauge) -> bool {
        let due = |form: &Form| {
            let step = form.bounds.drawdown.map(|limit| limit / 16);
            step.is_some_and(|step| gauge.peak.saturating_sub(form.noted) > step)
        };
        self.form(id).is_some_and(due)
    }

    /// The highest profit, when it is more than facts know.
    pub(crate) fn new_peak(&self, id: FormId) -> Option<Decimal> {
        let peak = self.gauge(id).peak;
        self.form(id).filter(|form| form.bounds.drawdown.is_some() && peak > form.noted)?;
        self.money(peak)
    }

    /// Takes a highest profit from the facts.
    pub(crate) fn note_peak(&mut self, scope: Scope, profit: Decimal) {
        let doubled = self.doubled(profit);
        let Some(id) = self.form_of(scope) else { return };
        let mut gauge = self.gauge(id);
        if let (Some(form), Some(peak)) = (self.forms.get_mut(id.0), doubled) {
            gauge.raise(peak);
            form.noted = gauge.peak;
            self.set_gauge(id, gauge);
        }
    }

    /// Starts a scope's measures anew at its present profit.
    pub(crate) fn reset(&mut self, scope: Scope, profit: Decimal) {
        let doubled = self.doubled(profit);
        if let (Some((id, form)), Some(profit)) = (self.form_mut(scope), doubled) {
            form.base = form.base.saturating_add(profit);
            (form.noted, form.day) = (0, 0);
            self.set_gauge(id, Gauge::default());
        }
    }

    /// A day begins at this profit.
    pub(crate) fn begin_day(&mut self, scope: Scope, profit: Decimal) {
        let doubled = self.doubled(profit);
        if let (Some((id, form)), Some(profit)) = (self.form_mut(scope), doubled) {
            form.day = profit;
            let calm = None;
            let gauge = Gauge { calm, ..self.gauge(id) };
            self.set_gauge(id, gauge);
        }
    }

    /// Whether any form is measured by the day.
    pub(crate) fn has_days(&self) -> bool {
        self.forms.iter().any(|form| form.bounds.day.is_some())
    }

    /// Forms that are measured by the day.
    pub(crate) fn by_day(&self) -> Vec<FormId> {
        let daily = self.forms.iter().enumerate().filter(|(_, form)| form.bounds.day.is_some());
        daily.map(|(place, _)| FormId(place)).collect()
    }

    /// Where the measures of all forms begin, the highest profit since, and where the day began.
    pub(crate) fn measures(&self) -> Vec<[String; 3]> {
        let of = |form: &Form| [form.base, form.noted, form.day].map(|figure| figure.to_string());
        self.forms.iter().map(of).collect()
    }

    /// Takes measures up that [`Self::measures`] wrote; what cannot be read was refused before.
    pub(crate) fn set_measures(&mut self, all: &[[String; 3]]) {
        let read = |figure: &String| figure.parse().unwrap_or(0);
        for (place, [base, noted, day]) in all.iter().enumerate() {
            let Some(form) = self.forms.get_mut(place) else { return };
            (form.base, form.noted, form.day) = (read(base), read(noted), read(day));
            let gauge = Gauge { peak: form.noted, calm: None };
            self.set_gauge(FormId(place), gauge);
        }
    }
}
