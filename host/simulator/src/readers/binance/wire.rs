//! Binance's messages as they come, texts kept as texts.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    pub(super) stream: Option<&'a str>,
    #[serde(borrow)]
    pub(super) data: Option<&'a serde_json::value::RawValue>,
}

pub(super) type Levels<'a> = Vec<(&'a str, &'a str)>;

#[derive(Deserialize)]
pub(super) struct Diff<'a> {
    #[serde(rename = "E")]
    pub(super) event: u64,
    #[serde(rename = "T")]
    pub(super) transaction: Option<u64>,
    #[serde(rename = "U")]
    pub(super) first: u64,
    pub(super) u: u64,
    pub(super) pu: Option<u64>,
    #[serde(borrow)]
    pub(super) b: Levels<'a>,
    #[serde(borrow)]
    pub(super) a: Levels<'a>,
}

#[derive(Deserialize)]
pub(super) struct Snapshot<'a> {
    /// COIN-M names it.
    pub(super) symbol: Option<&'a str>,
    #[serde(rename = "lastUpdateId")]
    pub(super) last: u64,
    #[serde(rename = "T")]
    pub(super) transaction: Option<u64>,
    #[serde(borrow)]
    pub(super) bids: Levels<'a>,
    #[serde(borrow)]
    pub(super) asks: Levels<'a>,
}

#[derive(Deserialize)]
pub(super) struct Ticker<'a> {
    #[serde(rename = "E")]
    pub(super) event: Option<u64>,
    #[serde(rename = "T")]
    pub(super) transaction: Option<u64>,
    pub(super) u: u64,
    pub(super) b: &'a str,
    #[serde(rename = "B")]
    pub(super) bid_size: &'a str,
    pub(super) a: &'a str,
    #[serde(rename = "A")]
    pub(super) ask_size: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Trade<'a> {
    #[serde(rename = "T")]
    pub(super) time: u64,
    pub(super) t: u64,
    pub(super) p: &'a str,
    pub(super) q: &'a str,
    pub(super) m: bool,
    #[serde(rename = "X")]
    pub(super) kind: Option<&'a str>,
}
