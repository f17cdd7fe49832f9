//! Whether a config means the same by its ids as the journal does that is to go on: ids are places
//! in the config, and facts under other names, or in other money, would be told as somebody else's.

use hedgerow_model::{Fact, Instrument, InstrumentId};
use std::collections::{BTreeMap, BTreeSet};

/// Names by what they are of and their place.
type Names<'f> = BTreeMap<(&'f str, u32), &'f str>;

fn by_place<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Names<'f> {
    let named = facts.into_iter().filter_map(|fact| match fact {
        Fact::Named { what, id, name } => Some(((what.as_str(), *id), name.as_str())),
        _ => None,
    });
    named.collect()
}

/// What is another in the config than in the journal, a sentence each.
pub(super) fn other_names(known: &[&Fact], now: &[Fact]) -> Vec<String> {
    let (known, now) = (by_place(known.iter().copied()), by_place(now));
    let places: BTreeSet<_> = known.keys().chain(now.keys()).copied().collect();
    let differs = |(what, id): (&str, u32)| {
        let first = |text: &'_ str| text.split(' ').next().unwrap_or("?").to_owned();
        match (known.get(&(what, id)), now.get(&(what, id))) {
            (Some(was), Some(is)) if was == is => None,
            (Some(was), Some(is)) if first(was) != first(is) => {
                Some(format!("{what} {} was {}, and is {}", id + 1, first(was), first(is)))
            }
            (Some(was), Some(is)) => {
                Some(format!("{what} {}: {}", first(was), parts(what, was, is)))
            }
            (Some(was), None) => Some(format!("{what} {} is not in the config", first(was))),
            (None, Some(is)) => Some(format!("{what} {} is not in the journal", first(is))),
            (None, None) => None,
        }
    };
    places.into_iter().filter_map(differs).collect()
}

/// Which part of a definition is another.
fn parts(what: &str, was: &str, is: &str) -> String {
    let titles: &[&str] = match what {
        "instrument" => &["multiplier", "quantity_decimals", "price_decimals", "kind"],
        _ => &["account and roles (by their places in the config)", "plugin"],
    };
    // what may hold spaces itself stands at the other end
    let split = |text: &str| -> Vec<String> {
        match what {
            "instrument" => {
                let rest = text.split_once(' ').map_or("", |(_, rest)| rest);
                rest.rsplitn(4, ' ').map(str::to_owned).collect()
            }
            _ => text.splitn(3, ' ').skip(1).map(str::to_owned).collect::<Vec<_>>(),
        }
    };
    let (mut was, mut is) = (split(was), split(is));
    if what != "instrument" {
        was.reverse();
        is.reverse();
    }
    let pairs = titles.iter().zip(was.iter().zip(&is));
    let others = pairs.filter(|(_, (was, is))| was != is);
    let told = others.map(|(title, (was, is))| format!("{title} was {was}, and is {is}"));
    told.collect::<Vec<_>>().join(", ")
}

/// In whose money an instrument's facts are: it is for the life of the journal.
pub(super) fn other_money(known: &[&Fact], now: &[Fact]) -> Vec<String> {
    fn specs<'f>(facts: impl Iterator<Item = &'f Fact>) -> BTreeMap<InstrumentId, &'f Instrument> {
        let defined = facts.filter_map(|fact| match fact {
            Fact::Defined(spec) => Some((spec.id, &**spec)),
            _ => None,
        });
        defined.collect()
    }
    let (known, now) = (specs(known.iter().copied()), specs(now.iter()));
    let both = now.values().filter_map(|is| Some((*known.get(&is.id)?, *is)));
    let told = both.flat_map(|(was, is)| {
        let parts = [
            ("base", &was.base, &is.base),
            ("quote", &was.quote, &is.quote),
            ("settle asset", &was.settle, &is.settle),
        ];
        let others = parts.into_iter().filter(|(_, was, is)| was != is);
        let symbol = &is.symbol;
        let told = |(part, was, is): (&str, &_, &_)| {
            format!("instrument {symbol}: {part} was {was}, and is {is}")
        };
        others.map(told).collect::<Vec<_>>()
    });
    told.collect()
}
