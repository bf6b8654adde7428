//! Groups of a flag, in memory of their own: each when it first counts.

use alloc::boxed::Box;
use alloc::vec::Vec;

use flcm_flags::metrics::{Group, Groups};

use crate::reserve::can_allocate;

/// The groups of a flag. Most flags use few: without a percentage one, without variants at most three.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LazyGroups {
    groups: Vec<Option<Box<Group>>>,
    count: usize,
}

impl LazyGroups {
    /// Room for the groups of a flag with so many variants.
    #[must_use]
    pub fn new(variants: usize) -> Self {
        Self { groups: Vec::new(), count: Group::count_for(variants) }
    }
}

impl Groups for LazyGroups {
    #[inline]
    fn get(&self, index: usize) -> Option<&Group> {
        self.groups.get(index)?.as_deref()
    }

    #[inline]
    fn get_mut(&mut self, index: usize) -> Option<&mut Group> {
        // Most have counted before.
        if !matches!(self.groups.get(index), Some(Some(_))) {
            self.make(index);
        }
        self.groups.get_mut(index)?.as_deref_mut()
    }

    fn count(&self) -> usize {
        self.count
    }
}

impl LazyGroups {
    /// Makes a group; not without memory for it.
    #[cold]
    fn make(&mut self, index: usize) {
        if index >= self.count || !can_allocate(size_of::<Group>() + self.count * size_of::<usize>()) {
            return;
        }
        if self.groups.len() <= index {
            self.groups.resize(index + 1, None);
        }
        if let Some(group) = self.groups.get_mut(index) {
            *group = Some(Box::default());
        }
    }
}
