//! What a seed says: the scene, and the list of troubles with their times. A script can be changed
//! (that is how shrinking works); the run follows from it alone.

use crate::dice::Dice;
use crate::fault::Fault;
use hedgerow_model::{
    AccountId, Decimal, Duration, Instrument, InstrumentId, InstrumentKind, Price, PriceBand,
    PriceGrid, Quantity, Scale, SequenceRule, StrategyId, Terms, VenueId,
};

/// When a run begins, host time, ns.
pub const START: u64 = 1_700_000_000_000_000_000;
/// A millisecond, ns.
pub const MS: u64 = 1_000_000;
/// A second, ns.
pub const S: u64 = 1_000 * MS;
/// How long a run is unless it is shrunk, s.
pub const SECONDS: u64 = 600;
/// How long before its end nothing goes wrong any more and strategies want nothing, s.
pub const CALM: u64 = 100;

/// One trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// What.
    pub fault: Fault,
    /// From when, ns after the start.
    pub from: u64,
    /// Until when.
    pub to: u64,
    /// At which venue, where it is a venue's.
    pub venue: u32,
    /// Of which strategy, where it is a strategy's.
    pub strategy: u32,
    /// Its own chance.
    pub dice: u64,
}

/// A run as it is to be.
#[derive(Clone, Debug)]
pub struct Script {
    /// The seed.
    pub seed: u64,
    /// How long it is, s.
    pub seconds: u64,
    /// How many venues.
    pub venues: u32,
    /// How many strategies; each trades one instrument at every venue, on accounts of its own.
    pub strategies: u32,
    /// Venue messages a second, all venues together.
    pub rate: u64,
    /// A strategy acts on one of so many updates.
    pub every: u64,
    /// Whether every guard is on, near its limit, and strategies try to get around them.
    pub guarded: bool,
    /// Whether guards that trip only tell: limits refuse, nobody is halted for long. There margin
    /// is asked for often, and a venue keeps it to itself. One guarded seed in five.
    pub lenient: bool,
    /// Whether its strategies are components in the sandbox: one seed in twenty.
    pub sandboxed: bool,
    /// By instrument.
    pub instruments: Vec<Instrument>,
    /// Whether an instrument's data is a book, else quotes.
    pub books: Vec<bool>,
    /// The venue that cannot amend an order, if there is one: three seeds in ten.
    pub no_amends: Option<u32>,
    /// By venue: latency out and back, and of market data, ns.
    pub latency: Vec<(u64, u64, u64)>,
    /// What goes wrong.
    pub episodes: Vec<Episode>,
}

impl Script {
    /// The script of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed, 1);
        let venues = dice.pick(&[2, 2, 2, 3]);
        let strategies = dice.pick(&[1, 1, 2]);
        let count = u64::from(venues * strategies);
        let instruments: Vec<Instrument> =
            (0..venues * strategies).map(|id| instrument(id, venues, &mut dice)).collect();
        let books = instruments.iter().map(|_| dice.percent(50)).collect();
        let latency = (0..venues)
            .map(|_| {
                let way = |dice: &mut Dice| dice.between(1, 60) * MS;
                (way(&mut dice), way(&mut dice), way(&mut dice))
            })
            .collect();
        let mut script = Self {
            seed,
            seconds: SECONDS,
            venues,
            strategies,
            rate: dice.between(1, 21).max(count),
            every: dice.pick(&[4, 8, 20]),
            guarded: Dice::of(seed, 7).percent(25),
            lenient: Dice::of(seed, 16).percent(20),
            sandboxed: Dice::of(seed, 8).percent(5),
            instruments,
            books,
            no_amends: None,
            latency,
            episodes: Vec::new(),
        };
        let mut chance = Dice::of(seed, 17);
        script.no_amends = chance.percent(30).then(|| chance.pick(&[0, 1]));
        for spec in &mut script.instruments {
            let mut dice = Dice::of(seed ^ (u64::from(spec.id.0) << 32), 15);
            spec.band = band(&mut dice);
            let least = spec.lot.units() * dice.pick(&[1, 1, 1, 3]);
            spec.min_quantity = Quantity::from_units(least);
        }
        script.episodes = script.troubles(&mut dice);
        script.date();
        script
    }

    /// At least five troubles, most of them short.
    fn troubles(&self, dice: &mut Dice) -> Vec<Episode> {
        let span = (self.seconds - CALM) * S;
        let mut all = Vec::new();
        let silent = self.guarded && self.lenient;
        let sure = silent.then_some(Fault::MarginSilent);
        let picked: Vec<Option<Fault>> = (0..dice.between(5, 14)).map(|_| None).collect();
        for fault in picked.into_iter().chain(sure.map(Some)) {
            let fault = fault.unwrap_or_else(|| dice.pick(Fault::ALL));
            let from = dice.between(5 * S, span - 30 * S);
            let long = dice.percent(20);
            let lasts = dice.between(200 * MS, if long { 60 * S } else { 12 * S });
            // it is long after that what was told last is old
            let lasts = match fault {
                Fault::MarginSilent => span,
                // a leg whose venue is gone may be alone for longer than anybody should
                Fault::Outage if dice.percent(30) => dice.between(35 * S, 90 * S),
                _ => lasts,
            };
            all.push(Episode {
                fault,
                from,
                to: (from + lasts).min(span),
                venue: u32::try_from(dice.below(u64::from(self.venues))).unwrap_or(0),
                strategy: u32::try_from(dice.below(u64::from(self.strategies))).unwrap_or(0),
                dice: dice.number(),
            });
        }
        all.sort_by_key(|episode| (episode.from, episode.fault));
        all
    }

    /// Whether an operator calls what differs somebody else's before the ledger takes it over.
    #[must_use]
    pub fn ignores(&self) -> bool {
        self.seed % 8 == 3
    }

    /// How often venues are asked for positions, and with them for margin.
    #[must_use]
    pub fn positions_every(&self) -> Duration {
        Duration::from_secs(if self.guarded && self.lenient { 12 } else { 45 })
    }

    /// When the run ends, host time, ns.
    #[must_use]
    pub fn end(&self) -> u64 {
        START + self.seconds * S
    }

    /// From when on nothing goes wrong any more.
    #[must_use]
    pub fn calm(&self) -> u64 {
        START + self.seconds.saturating_sub(CALM) * S
    }

    /// The venue of an instrument.
    #[must_use]
    pub fn venue_of(&self, instrument: InstrumentId) -> u32 {
        instrument.0 % self.venues
    }

    /// The strategy that trades an instrument.
    #[must_use]
    pub fn owner(&self, instrument: InstrumentId) -> StrategyId {
        StrategyId(instrument.0 / self.venues)
    }

    /// The account on which an instrument is traded: one for each strategy and venue.
    #[must_use]
    pub fn account(&self, instrument: InstrumentId) -> AccountId {
        AccountId(instrument.0)
    }

    /// What the venue of an instrument accepts at a moment.
    #[must_use]
    pub fn terms(&self, id: InstrumentId, now: u64) -> Terms {
        let own = self.instruments[id.index()].terms();
        let tick = self.times(Fault::TickChange, id, now, &[2, 5, 10]);
        let lot = self.times(Fault::LotChange, id, now, &[2, 5]);
        let grid = match own.grid {
            PriceGrid::Tick(step) => PriceGrid::Tick(Price::from_units(step.units() * tick)),
            other => other,
        };
        let of = |quantity: Quantity| Quantity::from_units(quantity.units() * lot);
        Terms { grid, lot: of(own.lot), min_quantity: of(own.min_quantity), ..own }
    }

    /// How many times coarser a step is at a moment. Half of the changes are taken back.
    fn times(&self, fault: Fault, id: InstrumentId, now: u64, of: &[i64]) -> i64 {
        let now = now.saturating_sub(START);
        let mut newest = (0, 1);
        for episode in &self.episodes {
            let whose = StrategyId(episode.strategy);
            let here = (episode.venue, whose) == (self.venue_of(id), self.owner(id));
            if episode.fault != fault || !here {
                continue;
            }
            let which = usize::try_from(episode.dice % of.len() as u64).unwrap_or(0);
            if episode.from <= now && episode.from >= newest.0 {
                newest = (episode.from, of[which]);
            }
            let back = episode.dice & (1 << 20) == 0;
            if back && episode.to <= now && episode.to >= newest.0 {
                newest = (episode.to, 1);
            }
        }
        newest.1
    }

    /// Episodes of a fault at a moment and, where it matters, at a venue.
    pub fn at(&self, fault: Fault, now: u64, venue: Option<u32>) -> impl Iterator<Item = &Episode> {
        let now = now.saturating_sub(START);
        self.episodes.iter().filter(move |episode| {
            let here = venue.is_none_or(|venue| episode.venue == venue);
            episode.fault == fault && here && episode.from <= now && now < episode.to
        })
    }
}

/// How the venue's clock stands to the host's at a moment, ns.
#[must_use]
pub fn skewed(script: &Script, venue: u32, now: u64) -> u64 {
    let past =
        |e: &&Episode| e.fault == Fault::ClockSkew && e.venue == venue && START + e.from <= now;
    script.episodes.iter().filter(past).fold(now, |at, episode| {
        let by = episode.dice % (4 * S);
        if episode.dice & (1 << 40) == 0 { at + by } else { at - by }
    })
}

/// How much longer ways take at a moment, ns.
#[must_use]
pub fn spike(script: &Script, venue: u32, now: u64) -> u64 {
    script.at(Fault::LatencySpike, now, Some(venue)).map(|e| S / 5 + e.dice % (3 * S / 2)).sum()
}

/// Half of the instruments have a bound of prices of their venue's.
fn band(dice: &mut Dice) -> Option<PriceBand> {
    let mut bps = || u32::try_from(dice.between(60, 300)).unwrap_or(300);
    let band = PriceBand { above_bps: bps(), below_bps: bps() };
    dice.percent(50).then_some(band)
}

/// Two instruments of one strategy are one base asset at two venues, with lots and ticks of their
/// own.
fn instrument(id: u32, venues: u32, dice: &mut Dice) -> Instrument {
    let (venue, pair) = (id % venues, id / venues);
    let inverse = venue == 1 && dice.percent(20);
    let spot = venue == 0 && dice.percent(15);
    let kind = match (inverse, spot) {
        (true, _) => InstrumentKind::InversePerpetual,
        (_, true) => InstrumentKind::Spot,
        _ => InstrumentKind::LinearPerpetual,
    };
    let scale = |digits| Scale::new(digits).unwrap_or(Scale::ZERO);
    let lot = if inverse { 1 } else { dice.pick(&[1, 5, 10]) };
    Instrument {
        id: InstrumentId(id),
        venue: VenueId(venue),
        symbol: format!("B{pair}-{venue}"),
        kind,
        base: format!("B{pair}"),
        quote: "USD".into(),
        settle: if inverse { format!("B{pair}") } else { "USD".into() },
        price_scale: scale(1),
        quantity_scale: scale(if inverse { 0 } else { 2 }),
        grid: PriceGrid::Tick(Price::from_units(dice.pick(&[1, 1, 5]))),
        lot: Quantity::from_units(lot),
        min_quantity: Quantity::from_units(lot),
        max_quantity: None,
        min_notional: None,
        band: None,
        multiplier: Decimal::from(if inverse { 10 } else { 1 }),
        sequence: SequenceRule::PreviousId,
    }
}
