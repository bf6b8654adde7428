//! Calls about what is counted.

use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::FlagId;
use flcm_flags::metrics::batch::{BatchError, Header, set_header};

use super::{Engine, Loaded};
use crate::key_values;
use crate::slots::Handle;

/// Calls that may take their time. What is asked of a handle that names nothing, or that counts nothing, is `None` or
/// false.
impl Engine {
    /// Begins to count decisions and outcomes; false when there is no memory for it. What was counted stays.
    pub fn measure(&mut self, snapshot: Handle) -> bool {
        self.snapshots.get_mut(snapshot).is_some_and(|loaded| loaded.state.measure(&loaded.snapshot))
    }

    /// Begins to count, and keeps what is drained for summaries; false when there is no memory for it.
    pub fn measure_totals(&mut self, snapshot: Handle) -> bool {
        self.snapshots.get_mut(snapshot).is_some_and(|loaded| loaded.state.measure_totals(&loaded.snapshot))
    }

    /// Takes all that was counted as a batch of bytes, under a name that the host has not used before; `None` as well
    /// when nothing was counted.
    pub fn drain(&mut self, snapshot: Handle, instance: f64, epoch: f64, sequence: f64) -> Option<Vec<u8>> {
        let Loaded { snapshot, state, .. } = &mut **self.snapshots.get_mut(snapshot)?;
        state.drain(snapshot, header(instance, epoch, sequence))
    }

    /// Adds what another host, or this one before, has counted; answers how many decisions it names that this snapshot
    /// knows nothing of.
    ///
    /// # Errors
    /// The bytes are no batch; nothing of them was added.
    pub fn merge(&mut self, snapshot: Handle, bytes: &[u8]) -> Result<Option<f64>, BatchError> {
        let Some(Loaded { snapshot, state, .. }) = self.snapshots.get_mut(snapshot).map(|loaded| &mut **loaded) else {
            return Ok(None);
        };
        let Some(measures) = &mut state.measures else { return Ok(None) };
        #[expect(clippy::cast_precision_loss, reason = "a count for people")]
        measures.merge(snapshot, bytes).map(|unknown| Some(unknown as f64))
    }

    /// What was counted of a flag, as names and values: since the start where totals are held, else since it was
    /// drained.
    #[must_use]
    pub fn summary(&self, snapshot: Handle, flag: FlagId) -> Option<String> {
        let loaded = self.snapshots.get(snapshot)?;
        let described = loaded.snapshot.describe(flag)?;
        loaded.state.counted(flag).map(|metrics| key_values::summary(&metrics, &described))
    }

    /// The generation of the fleet's breaker, under which outcomes are evidence for it.
    pub fn set_generation(&mut self, snapshot: Handle, flag: FlagId, generation: u32) -> bool {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return false };
        let metrics = loaded.state.measures.as_mut().and_then(|measures| measures.flag(&loaded.snapshot, flag));
        metrics.map(|metrics| metrics.set_generation(generation)).is_some()
    }

    /// Adds to a custom counter; false for a name or a number that is none, and when there are too many.
    pub fn add(&mut self, snapshot: Handle, name: &str, amount: f64) -> bool {
        let measures = self.snapshots.get_mut(snapshot).and_then(|loaded| loaded.state.measures.as_mut());
        let whole = super::millis(amount).0;
        #[expect(clippy::float_cmp, clippy::cast_precision_loss, reason = "a whole number comes back as it was")]
        let is_whole = whole as f64 == amount;
        measures.is_some_and(|measures| is_whole && measures.custom().add(name, whole))
    }

    /// Adds a value to a custom histogram; false for a name or value that is none, and when there are too many.
    pub fn observe(&mut self, snapshot: Handle, name: &str, value: f64) -> bool {
        let measures = self.snapshots.get_mut(snapshot).and_then(|loaded| loaded.state.measures.as_mut());
        measures.is_some_and(|measures| measures.custom().observe(name, value))
    }

    /// The custom metrics of the same time, as names and values.
    #[must_use]
    pub fn custom(&self, snapshot: Handle) -> Option<String> {
        self.snapshots.get(snapshot)?.state.custom().map(|custom| key_values::custom(&custom))
    }

    /// A batch with another header, because it could not be sent: with its age in milliseconds, and under another name
    /// where the server has lost count of its host (a negative epoch keeps the name). Its counts stay.
    ///
    /// # Errors
    /// The bytes are no batch.
    pub fn with_header(
        mut bytes: Vec<u8>,
        age: u32,
        instance: f64,
        epoch: f64,
        sequence: f64,
    ) -> Result<Vec<u8>, BatchError> {
        let named = (epoch >= 0.0).then(|| header(instance, epoch, sequence));
        set_header(&mut bytes, |before| Header { age, ..named.unwrap_or(before) })?;
        Ok(bytes)
    }
}

fn header(instance: f64, epoch: f64, sequence: f64) -> Header {
    let number = |number: f64| super::millis(number).0;
    Header { instance: number(instance), epoch: number(epoch), sequence: number(sequence), age: 0 }
}
