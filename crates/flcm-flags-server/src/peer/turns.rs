//! How many requests of pages go on at a time, of each network and of all. A connection may have many requests at a
//! time, and one of a proxy has those of many networks: so limits of connections are not enough.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::AddressPrefix;

/// The turns of all networks.
#[derive(Debug)]
pub(crate) struct Turns {
    each: usize,
    all: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    networks: HashMap<AddressPrefix, usize>,
}

/// A turn of a network. It is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    network: AddressPrefix,
}

impl Turns {
    /// So many for each network, and for all together.
    pub(crate) fn new(each: usize, all: usize) -> Arc<Self> {
        Arc::new(Self { each, all, taken: Mutex::default() })
    }

    /// A turn of a network, if one is left.
    pub(crate) fn take(self: &Arc<Self>, network: AddressPrefix) -> Option<Turn> {
        let mut taken = self.taken();
        let own = taken.networks.get(&network).copied().unwrap_or_default();
        if own >= self.each || taken.all >= self.all {
            return None;
        }
        taken.all += 1;
        taken.networks.insert(network, own + 1);
        Some(Turn { turns: Arc::clone(self), network })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.taken();
        taken.all -= 1;
        if let Some(own) = taken.networks.get_mut(&self.network) {
            *own -= 1;
            if *own == 0 {
                taken.networks.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressPrefix, Turns};

    #[test]
    fn a_network_has_some_turns_and_leaves_nothing_behind() {
        let turns = Turns::new(2, 3);
        let [one, other] = [1, 2].map(AddressPrefix::from_bits);
        let (first, second) = (turns.take(one), turns.take(one));
        assert!(first.is_some() && second.is_some() && turns.take(one).is_none());
        let third = turns.take(other);
        assert!(third.is_some() && turns.take(other).is_none(), "of all networks");
        drop(first);
        assert!(turns.take(one).is_some());
        drop((second, third));
        let taken = turns.taken();
        assert!(taken.all == 0 && taken.networks.is_empty(), "{taken:?}");
    }
}
