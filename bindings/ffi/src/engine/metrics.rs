//! Calls about what is counted.

use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::FlagId;
use flcm_flags::metrics::batch::{BatchError, Header, set_age};

use super::{Engine, Loaded};
use crate::key_values;
use crate::slots::Handle;
use flcm_flags_host::Measures;

/// Calls that may take their time. What is asked of a handle that names nothing, or that counts nothing, is `None` or false.
impl Engine {
    /// Begins to count decisions and outcomes; false when there is no memory for it. What was counted stays.
    pub fn measure(&mut self, snapshot: Handle) -> bool {
        self.snapshots.get_mut(snapshot).is_some_and(|loaded| loaded.watch.measure(&loaded.snapshot))
    }

    /// Takes all that was counted as a batch of bytes, under a name that the host has not used before; `None` as well when nothing
    /// was counted.
    pub fn drain(&mut self, snapshot: Handle, instance: f64, epoch: f64, sequence: f64) -> Option<Vec<u8>> {
        let Loaded { snapshot, watch, .. } = &mut **self.snapshots.get_mut(snapshot)?;
        let number = |number: f64| super::millis(number).0;
        let (instance, epoch, sequence) = (number(instance), number(epoch), number(sequence));
        watch.drain(snapshot, Header { instance, epoch, sequence, age: 0 })
    }

    /// Adds what another host, or this one before, has counted; answers how many decisions it names that this snapshot knows
    /// nothing of.
    ///
    /// # Errors
    /// The bytes are no batch; nothing of them was added.
    pub fn merge(&mut self, snapshot: Handle, bytes: &[u8]) -> Result<Option<f64>, BatchError> {
        let Some(Loaded { snapshot, watch, .. }) = self.snapshots.get_mut(snapshot).map(|loaded| &mut **loaded) else {
            return Ok(None);
        };
        let Some(measures) = &mut watch.measures else { return Ok(None) };
        #[expect(clippy::cast_precision_loss, reason = "a count for people")]
        measures.merge(snapshot, bytes).map(|unknown| Some(unknown as f64))
    }

    /// What was counted of a flag, together with what a second handle of the same snapshot has counted, in words and
    /// numbers.
    #[must_use]
    pub fn summary(&self, snapshot: Handle, flag: FlagId, second: Handle) -> Option<String> {
        let loaded = self.snapshots.get(snapshot)?;
        let described = loaded.snapshot.describe(flag)?;
        let counted = loaded.watch.measures.as_ref().and_then(|measures| measures.counted(flag));
        match (counted, self.twin(loaded, second).and_then(|measures| measures.counted(flag))) {
            (Some(one), Some(two)) => {
                let mut both = one.clone();
                both.merge(two);
                Some(key_values::summary(&both, &described))
            }
            (one, two) => one.or(two).map(|metrics| key_values::summary(metrics, &described)),
        }
    }

    /// What a second handle of the same snapshot has counted.
    fn twin(&self, loaded: &Loaded, second: Handle) -> Option<&Measures> {
        let twin = self.snapshots.get(second)?;
        twin.watch.measures.as_ref().filter(|_| twin.snapshot.digest() == loaded.snapshot.digest())
    }

    /// The generation of the fleet's breaker, under which outcomes are evidence for it.
    pub fn set_generation(&mut self, snapshot: Handle, flag: FlagId, generation: u32) -> bool {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return false };
        let metrics = loaded.watch.measures.as_mut().and_then(|measures| measures.flag(&loaded.snapshot, flag));
        metrics.map(|metrics| metrics.set_generation(generation)).is_some()
    }

    /// Adds to a custom counter; false for a name or a number that is none, and when there are too many.
    pub fn add(&mut self, snapshot: Handle, name: &str, amount: f64) -> bool {
        let measures = self.snapshots.get_mut(snapshot).and_then(|loaded| loaded.watch.measures.as_mut());
        let whole = super::millis(amount).0;
        #[expect(clippy::float_cmp, clippy::cast_precision_loss, reason = "a whole number comes back as it was")]
        let is_whole = whole as f64 == amount;
        measures.is_some_and(|measures| is_whole && measures.custom().add(name, whole))
    }

    /// Adds a value to a custom histogram; false for a name or value that is none, and when there are too many.
    pub fn observe(&mut self, snapshot: Handle, name: &str, value: f64) -> bool {
        let measures = self.snapshots.get_mut(snapshot).and_then(|loaded| loaded.watch.measures.as_mut());
        measures.is_some_and(|measures| measures.custom().observe(name, value))
    }

    /// The custom metrics, together with those of a second handle of the same snapshot, in words and numbers.
    #[must_use]
    pub fn custom(&self, snapshot: Handle, second: Handle) -> Option<String> {
        let loaded = self.snapshots.get(snapshot)?;
        Some(key_values::custom(&loaded.watch.measures.as_ref()?.customs(self.twin(loaded, second))))
    }

    /// A batch that is older than when it was drained, because it could not be sent; nothing else of it is different.
    ///
    /// # Errors
    /// The bytes are no batch.
    pub fn aged(mut bytes: Vec<u8>, age: u32) -> Result<Vec<u8>, BatchError> {
        set_age(&mut bytes, age)?;
        Ok(bytes)
    }
}
