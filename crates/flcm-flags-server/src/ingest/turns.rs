//! How many batches of pages are under way from each network. A stranger who sends many of them slowly would otherwise
//! take all the memory for them, and keep out what other pages report.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::peer::AddressPrefix;

/// The turns of all networks: each has so many.
#[derive(Debug)]
pub(crate) struct Turns {
    most: usize,
    taken: Mutex<HashMap<AddressPrefix, usize>>,
}

/// A turn of a network. It is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    turns: &'t Turns,
    network: AddressPrefix,
}

impl Turns {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Mutex::default() }
    }

    /// A turn of a network, if one is left.
    pub(crate) fn take(&self, network: AddressPrefix) -> Option<Turn<'_>> {
        let mut taken = self.taken();
        let own = taken.entry(network).or_default();
        (*own < self.most).then(|| {
            *own += 1;
            Turn { turns: self, network }
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<AddressPrefix, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self.turns.taken();
        if let Some(own) = taken.get_mut(&self.network) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressPrefix, Turns};

    #[test]
    fn a_network_has_some_turns_and_leaves_nothing_behind() {
        let turns = Turns::new(2);
        let [one, other] = [1, 2].map(AddressPrefix::from_bits);
        let first = turns.take(one);
        let second = turns.take(one);
        assert!(first.is_some() && second.is_some() && turns.take(one).is_none() && turns.take(other).is_some());
        drop(first);
        assert!(turns.take(one).is_some());
        drop(second);
        assert!(turns.taken().is_empty(), "{turns:?}");
    }
}
