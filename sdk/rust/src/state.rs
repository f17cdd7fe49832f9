//! State that outlives an instance, as JSON.

use crate::strategy::InitError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// State that an earlier instance saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    /// The [`crate::Strategy::STATE_VERSION`] that wrote it.
    pub version: u32,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl SavedState {
    /// Reads state that [`save_json`] wrote.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, InitError> {
        serde_json::from_slice(&self.data).map_err(|e| InitError::BadState(e.to_string()))
    }

    /// Reads what was saved, or begins with the default where nothing was: the whole of most
    /// `init`s.
    pub fn json_or_default<T: DeserializeOwned + Default>(
        saved: Option<&Self>,
    ) -> Result<T, InitError> {
        saved.map_or_else(|| Ok(T::default()), Self::json)
    }
}

/// State as JSON, for [`crate::Strategy::save`]. Numbers come back exactly, floats to the bit; a
/// float that is not finite becomes `null` and is only read back as an `Option`.
///
/// # Panics
/// When the state is not JSON, such as a map whose keys are not text or numbers. The host counts
/// that as a fault and keeps the checkpoint it has; bytes that hold nothing would replace it.
#[must_use]
pub fn save_json<T: Serialize>(state: &T) -> Vec<u8> {
    match serde_json::to_vec(state) {
        Ok(data) => data,
        Err(e) => panic!("the state cannot be saved as JSON: {e}"),
    }
}
