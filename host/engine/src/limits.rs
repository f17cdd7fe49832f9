//! Limits and guards as they are configured, by what they are about. Nothing here has a default
//! that risks money: what is absent is not measured, but for the guards that are named with one.
//!
//! Gate limits refuse an order. Watching guards look at what is, and each is mapped to an action.

use hedgerow_model::{Decimal, Duration, GuardAction, InstrumentId, MarginGrade};

/// A limit of money or percent, and what follows when it is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// What is allowed.
    pub limit: Decimal,
    /// What follows.
    pub action: GuardAction,
}

/// Loss and drawdown of a scope, quote currency; profit has funding and fees in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProfitGuards {
    /// Loss since the measures began.
    pub loss: Option<Watch>,
    /// Loss since the day began, UTC.
    pub loss_day: Option<Watch>,
    /// Fall from the highest profit.
    pub drawdown: Option<Watch>,
}

/// Guards of one strategy beside its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrategyGuards {
    /// Worth of all positions and open orders of one direction less those of the other.
    pub net_notional_max: Option<Decimal>,
    /// Cancels and amendments for each fill, in a window.
    pub cancels_per_fill_max: Option<u32>,
    /// What follows a loss above `loss_max`.
    pub loss_action: GuardAction,
    /// What follows a drawdown above `drawdown_max`.
    pub drawdown_action: GuardAction,
    /// Loss since the day began, UTC.
    pub loss_day: Option<Watch>,
    /// Instruments that are the two legs of a hedge; pairs of plans are so by themselves.
    pub hedges: Vec<(InstrumentId, InstrumentId)>,
    /// By how much the legs of a hedge may differ, percent of the larger.
    pub hedge_gap: Watch,
    /// How long something may be unhedged.
    pub unhedged: Option<(Duration, GuardAction)>,
    /// When what a hedge earns in funding is about to turn.
    pub funding: Option<FundingGuard>,
    /// What plans must find before they open something.
    pub opening: OpeningLimits,
}

/// What a plan must find before it opens something; what only closes is never asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpeningLimits {
    /// What taking may cost against the middle of its own market, basis points.
    pub max_slippage_bps: Option<Decimal>,
    /// From best bid to best offer, basis points of the middle.
    pub max_spread_bps: Option<Decimal>,
    /// Of what is displayed within its reach, a fraction.
    pub max_depth_share: Option<Decimal>,
    /// How long the same pair is not opened again after it had to be taken back; zero: at once. An
    /// ended plan is remembered for a day.
    pub pair_cooldown: Duration,
}

impl Default for StrategyGuards {
    fn default() -> Self {
        Self {
            net_notional_max: None,
            cancels_per_fill_max: None,
            loss_action: GuardAction::CancelOnly,
            drawdown_action: GuardAction::Pause,
            loss_day: None,
            hedges: Vec::new(),
            hedge_gap: Watch { limit: Decimal::from(5), action: GuardAction::Alert },
            unhedged: None,
            funding: None,
            opening: OpeningLimits::default(),
        }
    }
}

impl OpeningLimits {
    /// Whether a market must be looked at.
    pub(crate) const fn measures(&self) -> bool {
        self.max_slippage_bps.is_some()
            || self.max_spread_bps.is_some()
            || self.max_depth_share.is_some()
    }
}

/// When a hedge's funding is about to turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingGuard {
    /// What a hedge must earn, a fraction of a leg per hour.
    pub edge_per_h_min: Decimal,
    /// So many announcements in a row below it.
    pub times: u32,
    /// What follows.
    pub action: GuardAction,
}

/// Limits and guards of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountGuards {
    /// Worth of all positions and open orders.
    pub gross_notional_max: Option<Decimal>,
    /// Worth of those of one direction less those of the other.
    pub net_notional_max: Option<Decimal>,
    /// Worth of all positions and open orders for each unit of equity.
    pub leverage_max: Option<Decimal>,
    /// Live orders.
    pub open_orders_max: Option<u32>,
    /// Orders and amendments per second.
    pub orders_per_s_max: Option<u32>,
    /// Cancels and amendments of all for each fill, in a window.
    pub cancels_per_fill_max: Option<u32>,
    /// How long the venue may leave an order or a cancel unanswered before nothing opens.
    pub answer_max: Option<Duration>,
    /// Loss and drawdown.
    pub profit: ProfitGuards,
    /// Used of all margin, percent.
    pub margin_utilisation: Watch,
    /// Maintenance margin of equity, percent.
    pub margin_ratio: Option<Watch>,
    /// What follows when a grade is entered from a better one.
    pub grades: [(MarginGrade, GuardAction); 4],
    /// Distance of a mark to the price of liquidation, percent of the mark; none: not measured.
    pub liquidation_distance_min: Option<Watch>,
    /// An adverse move that must leave maintenance margin, percent.
    pub adverse_move: Option<Watch>,
    /// The leverage to which positions are made smaller.
    pub leverage_target: Option<Decimal>,
    /// What taking costs there, a fraction: a reduction pays it.
    pub taker_fee: Decimal,
    /// What follows when the venue has liquidated something.
    pub liquidated_action: GuardAction,
}

impl AccountGuards {
    /// Whether it adds what is held in several instruments.
    #[must_use]
    pub fn adds_money(&self) -> bool {
        let ProfitGuards { loss, loss_day, drawdown } = self.profit;
        let profit = loss.is_some() || loss_day.is_some() || drawdown.is_some();
        profit || self.is_exposure_limited()
    }

    pub(crate) fn is_exposure_limited(&self) -> bool {
        let exposure = self.gross_notional_max.is_some() || self.net_notional_max.is_some();
        exposure || self.is_margin_limited()
    }

    pub(crate) fn is_margin_limited(&self) -> bool {
        let leverage = self.leverage_max.is_some() || self.adverse_move.is_some();
        leverage || self.liquidation_distance_min.is_some()
    }
}

impl HostLimits {
    pub(crate) fn is_exposure_limited(&self) -> bool {
        self.gross_notional_max.is_some() || self.net_notional_max.is_some()
    }

    /// Whether strategies can influence each other through it.
    #[must_use]
    pub fn couples(&self) -> bool {
        let ProfitGuards { loss, loss_day, drawdown } = self.profit;
        let profit = loss.is_some() || loss_day.is_some() || drawdown.is_some();
        let counts = self.open_orders_max.is_some() || self.orders_per_s_max.is_some();
        profit || counts || self.is_exposure_limited()
    }
}

impl Default for AccountGuards {
    fn default() -> Self {
        let alert = GuardAction::Alert;
        let grades = [
            (MarginGrade::Watch, alert),
            (MarginGrade::Warning, alert),
            (MarginGrade::Danger, alert),
            (MarginGrade::Critical, alert),
        ];
        Self {
            gross_notional_max: None,
            net_notional_max: None,
            leverage_max: None,
            open_orders_max: None,
            orders_per_s_max: None,
            cancels_per_fill_max: None,
            answer_max: None,
            profit: ProfitGuards::default(),
            margin_utilisation: Watch { limit: Decimal::from(80), action: alert },
            margin_ratio: None,
            grades,
            liquidation_distance_min: None,
            adverse_move: None,
            leverage_target: None,
            taker_fee: Decimal::ZERO,
            liquidated_action: GuardAction::Pause,
        }
    }
}

/// Limits of one instrument, whoever trades it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstrumentLimits {
    /// Worth of one order.
    pub order_notional_max: Option<Decimal>,
    /// Worth of the positions of all in it, with all open orders filled.
    pub position_notional_max: Option<Decimal>,
}

/// How far the plans of guards that reduce or close pairs may reach, as in a pair's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduction {
    /// Of the first orders beyond the touch, basis points.
    pub slippage_bps: u32,
    /// Of orders that complete the shorter leg, basis points.
    pub hedge_bps: u32,
    /// Of orders that take back, basis points.
    pub emergency_bps: u32,
    /// After this long nothing more is completed, ms.
    pub deadline_ms: u32,
}

/// Limits over all strategies together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostLimits {
    /// Worth of all positions and open orders.
    pub gross_notional_max: Option<Decimal>,
    /// Worth of those of one direction less those of the other.
    pub net_notional_max: Option<Decimal>,
    /// Live orders.
    pub open_orders_max: Option<u32>,
    /// Orders and amendments per second.
    pub orders_per_s_max: Option<u32>,
    /// Loss and drawdown of all strategies together; none: not measured.
    pub profit: ProfitGuards,
    /// How far plans may reach that guards begin; none: no guard may begin one.
    pub reduction: Option<Reduction>,
}
