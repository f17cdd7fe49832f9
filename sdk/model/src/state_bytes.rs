//! A strategy's saved state in documents: as its text where it is one, else in hex; in binary
//! formats as bytes. A list of numbers would be four times as long.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};
use std::fmt;

const TEXT: char = '=';
const HEX: char = '#';

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    if !to.is_human_readable() {
        return to.serialize_bytes(bytes);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => to.serialize_str(&format!("{TEXT}{text}")),
        Err(_) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            to.serialize_str(&format!("{HEX}{hex}"))
        }
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    if from.is_human_readable() {
        from.deserialize_str(Bytes)
    } else {
        from.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a state: {TEXT} and text, or {HEX} and hex")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        if let Some(text) = text.strip_prefix(TEXT) {
            return Ok(text.as_bytes().to_vec());
        }
        let hex = text.strip_prefix(HEX).filter(|hex| hex.len() % 2 == 0 && hex.is_ascii());
        let hex = hex.ok_or_else(|| E::custom("a state that is neither text nor hex"))?;
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap_or(""), 16);
        (0..hex.len()).step_by(2).map(|at| byte(at).map_err(E::custom)).collect()
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let mut all = Vec::new();
        while let Some(byte) = list.next_element()? {
            all.push(byte);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Fact, StrategyId};

    #[test]
    fn a_state_comes_back_and_is_no_longer_than_its_text() {
        let states: [&[u8]; 4] = [b"", b"{\"a\": 1}", &[0, 255, 16], "ä=#".as_bytes()];
        for state in states {
            let (strategy, state, unheard) = (StrategyId(1), state.to_vec(), Vec::new());
            let fact = Fact::Checkpoint { strategy, version: 1, state, unheard };
            let text = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact, "{text}");
        }
        let state = vec![b'x'; 1_000];
        let fact =
            Fact::Checkpoint { strategy: StrategyId(1), version: 1, state, unheard: Vec::new() };
        assert!(serde_json::to_string(&fact).unwrap().len() < 1_100);
        let wrong = "{\"Checkpoint\":{\"strategy\":1,\"version\":1,\"state\":\"#0\"}}";
        let why = serde_json::from_str::<Fact>(wrong).unwrap_err().to_string();
        assert!(why.contains("neither text nor hex"), "{why}");
    }
}
