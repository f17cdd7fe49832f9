//! What the world does at its times: troubles that begin and end, and an operator's words.

use super::{Loop, World};
use crate::fault::Fault;
use crate::script::{Episode, S, START, Script};
use hedgerow_engine::OperatorCommand;
use hedgerow_model::{AccountId, Scope, StrategyId, TradingMode};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Something the world does at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Begin(usize),
    End(usize),
    Operator,
    Look,
    Reconnect,
    Adopt,
    /// What differs is somebody else's, and after a while it is the strategy's after all.
    Ignore,
    /// An operator flattens a strategy, an account or the host; the next release ends it.
    Flatten(u64),
}

/// What happens when, by the script.
pub(super) fn timetable(script: &Script) -> BTreeMap<(u64, usize), Act> {
    let mut acts: Vec<(u64, Act)> = Vec::new();
    for (place, episode) in script.episodes.iter().enumerate() {
        acts.push((START + episode.from, Act::Begin(place)));
        acts.push((START + episode.to, Act::End(place)));
    }
    let calm = script.calm();
    acts.extend(
        (1..).map(|n| (START + n * 20 * S, Act::Operator)).take_while(|(at, _)| *at < calm),
    );
    acts.extend((1..).map(|n| (START + n * 97 * S, Act::Look)).take_while(|(at, _)| *at < calm));
    let found = if script.ignores() { Act::Ignore } else { Act::Adopt };
    for n in (1..).take_while(|n| START + (n * 150 + 20) * S < calm) {
        acts.push((START + n * 150 * S, Act::Reconnect));
        acts.push((START + (n * 150 + 12) * S, found));
        acts.push((START + (n * 150 + 45) * S, Act::Adopt));
    }
    let flattens = script.seed % 4 == 2;
    acts.extend(
        (0..)
            .map(|n| (START + (75 + n * 130) * S, Act::Flatten(n)))
            .take_while(|(at, _)| flattens && *at < calm),
    );
    let after = [
        (5, Act::Operator),
        (10, Act::Reconnect),
        (25, found),
        (26, Act::Operator),
        (65, Act::Reconnect),
        (80, Act::Adopt),
        (81, Act::Operator),
        // somebody may not have been at rest
        (83, Act::Adopt),
        (86, Act::Adopt),
        (87, Act::Operator),
    ];
    acts.extend(after.map(|(s, act)| (calm + s * S, act)));
    (0..).zip(acts).map(|(n, (at, act))| ((at, n), act)).collect()
}

impl World {
    /// What the script does from outside.
    pub(super) fn act(&mut self, driver: &mut Loop, now: u64, act: Act) {
        let shared = Rc::clone(&self.shared);
        match act {
            Act::Begin(place) => {
                let episode = shared.script.episodes[place];
                let (word, venue) = (episode.fault.word(), episode.venue);
                shared.say(now, "trouble", format_args!("{word} at venue {venue} begins"));
                self.begin(driver, now, &episode);
            }
            Act::End(place) => {
                let episode = shared.script.episodes[place];
                shared.say(now, "trouble", format_args!("{} ends", episode.fault.word()));
                if episode.fault == Fault::ModeChange {
                    self.release(driver);
                }
                if matches!(episode.fault, Fault::TickChange | Fault::LotChange) {
                    driver.venue_mut().change_terms(now, &episode);
                }
                if episode.fault == Fault::StreamDead {
                    // the heart beat is missed at last
                    let venues = driver.venue_mut();
                    venues.reset_all(now, Some(episode.venue));
                }
            }
            Act::Operator => self.release(driver),
            Act::Flatten(n) => {
                let strategies = u64::from(shared.script.strategies);
                let one = StrategyId(u32::try_from(n % strategies).unwrap_or(0));
                let account = AccountId(one.0 * shared.script.venues);
                let scopes = [Scope::Strategy(one), Scope::Host, Scope::Account(account)];
                let scope = scopes[usize::try_from((n + shared.script.seed / 4) % 3).unwrap_or(0)];
                driver.command(OperatorCommand::Flatten { scope }, "the script".into());
            }
            Act::Look => self.compare(driver, now),
            Act::Reconnect => driver.venue_mut().reset_all(now, None),
            Act::Adopt => {
                self.settle(driver, false);
                if shared.script.ignores() {
                    self.settle(driver, true);
                }
            }
            Act::Ignore => {
                for strategy in (0..shared.script.strategies).map(StrategyId) {
                    if driver.venue().differs(driver.engine(), strategy) {
                        let command = OperatorCommand::Ignore { strategy };
                        driver.command(command, "not ours".into());
                    }
                }
            }
        }
    }

    /// The ledger takes over what differs, or what was ignored.
    fn settle(&self, driver: &mut Loop, ignored: bool) {
        let script = &self.shared.script;
        for strategy in (0..script.strategies).map(StrategyId) {
            let venues = driver.venue();
            // in every fourth seed whether anything differs or not: it must not matter
            let asked = script.seed.is_multiple_of(4);
            if venues.is_still(strategy) && (asked || venues.differs(driver.engine(), strategy)) {
                let command = OperatorCommand::Adopt { strategy, ignored };
                driver.command(command, "the venue is right".into());
            }
        }
    }

    fn begin(&mut self, driver: &mut Loop, now: u64, episode: &Episode) {
        let shared = Rc::clone(&self.shared);
        let (venue, strategy) = (episode.venue, StrategyId(episode.strategy));
        match episode.fault {
            Fault::Kill => shared.dies_in.set(Some(episode.dice % 12)),
            Fault::PowerCut => {
                shared.dies_in.set(Some(episode.dice % 12));
                self.loses = Some(1 + episode.dice % 9);
            }
            Fault::Trap => {
                shared.happened(Fault::Trap);
                self.traps[strategy.index()].set(1 + u32::try_from(episode.dice % 4).unwrap_or(0));
            }
            Fault::Reload => self.swaps.push(strategy),
            Fault::ModeChange => {
                shared.happened(Fault::ModeChange);
                let modes = [TradingMode::ReduceOnly, TradingMode::CancelOnly, TradingMode::Halted];
                let mode = modes[usize::try_from(episode.dice % 3).unwrap_or(0)];
                let instrument = shared.script.instruments.iter().find(|spec| {
                    let id = spec.id;
                    shared.script.owner(id) == strategy && shared.script.venue_of(id) == venue
                });
                let scopes = [
                    Scope::Host,
                    Scope::Strategy(strategy),
                    instrument.map_or(Scope::Host, |spec| Scope::Instrument(spec.id)),
                    instrument.map_or(Scope::Host, |s| Scope::Account(shared.script.account(s.id))),
                ];
                let scope = scopes[usize::try_from((episode.dice >> 8) % 4).unwrap_or(0)];
                let command = OperatorCommand::SetMode { scope, mode };
                driver.command(command, "the script".into());
            }
            Fault::TickChange | Fault::LotChange => driver.venue_mut().change_terms(now, episode),
            Fault::Outage => driver.venue_mut().outage(now, venue),
            Fault::Delisting => driver.venue_mut().delist(now, episode),
            Fault::Deleveraging => driver.venue_mut().deleverage(now, episode),
            Fault::Liquidation => driver.venue_mut().liquidate(now, episode),
            Fault::ClockSkew => shared.happened(Fault::ClockSkew),
            _ => {}
        }
    }

    /// An operator lets everything run again.
    fn release(&self, driver: &mut Loop) {
        let mode = TradingMode::Running;
        let script = &self.shared.script;
        let strategies = (0..script.strategies).map(|id| Scope::Strategy(StrategyId(id)));
        let accounts =
            script.instruments.iter().map(|spec| Scope::Account(script.account(spec.id)));
        let instruments = script.instruments.iter().map(|spec| Scope::Instrument(spec.id));
        let all = strategies.chain(accounts).chain(instruments);
        for scope in std::iter::once(Scope::Host).chain(all) {
            driver.command(OperatorCommand::SetMode { scope, mode }, "go on".into());
        }
    }
}
