//! Values behind handles that do not outlive them.

use alloc::vec::Vec;

/// The index of a value and its generation. A number from JavaScript may be anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Handle(pub i32);

const INDEX_BITS: u32 = 12;
/// How many values there can be at a time.
const CAPACITY: usize = 1 << INDEX_BITS;
/// Handles are never negative: negative numbers are errors.
const GENERATIONS: i32 = 1 << (31 - INDEX_BITS);

/// Values by handle.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: i32,
    value: Option<T>,
}

impl Handle {
    fn new(index: usize, generation: i32) -> Option<Self> {
        i32::try_from(index).ok().map(|index| Self((generation << INDEX_BITS) | index))
    }

    #[inline]
    fn index(self) -> Option<usize> {
        usize::try_from(self.0).ok().map(|handle| handle & (CAPACITY - 1))
    }

    #[inline]
    const fn generation(self) -> i32 {
        self.0 >> INDEX_BITS
    }
}

impl<T> Slot<T> {
    #[inline]
    fn value_of(&mut self, handle: Handle) -> Option<&mut T> {
        self.value.as_mut().filter(|_| self.generation == handle.generation())
    }
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Keeps a value; `None` when there are too many.
    pub(crate) fn insert(&mut self, value: T) -> Option<Handle> {
        let index = self.free.pop().unwrap_or(self.slots.len());
        if index == self.slots.len() && index < CAPACITY {
            self.slots.push(Slot { generation: 0, value: None });
        }
        let slot = self.slots.get_mut(index)?;
        slot.value = Some(value);
        Handle::new(index, slot.generation)
    }

    #[inline]
    pub(crate) fn get(&self, handle: Handle) -> Option<&T> {
        let slot = self.slots.get(handle.index()?)?;
        slot.value.as_ref().filter(|_| slot.generation == handle.generation())
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        self.slots.get_mut(handle.index()?)?.value_of(handle)
    }

    /// Two values at once; `None` when one is gone, or both are the same.
    pub(crate) fn get_two(&mut self, handles: [Handle; 2]) -> Option<[&mut T; 2]> {
        let indices = [handles[0].index()?, handles[1].index()?];
        let [first, second] = self.slots.get_disjoint_mut(indices).ok()?;
        Some([first.value_of(handles[0])?, second.value_of(handles[1])?])
    }

    /// Lets a value go. Its handle is never given again: a index that has had its last generation stays empty.
    pub(crate) fn remove(&mut self, handle: Handle) -> Option<T> {
        let index = handle.index()?;
        let slot = self.slots.get_mut(index).filter(|slot| slot.generation == handle.generation())?;
        let value = slot.value.take()?;
        slot.generation += 1;
        if slot.generation < GENERATIONS {
            self.free.push(index);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::{CAPACITY, GENERATIONS, Handle, Slots};

    #[test]
    fn a_handle_names_nothing_once_its_value_is_gone() {
        let mut slots = Slots::new();
        let first = slots.insert("first").unwrap();
        assert_eq!(slots.remove(first), Some("first"));
        let second = slots.insert("second").unwrap();
        assert_ne!(first, second);
        assert_eq!((slots.get(first), slots.get(second)), (None, Some(&"second")));
        assert_eq!((slots.remove(first), slots.get_mut(first)), (None, None));
        for number in [-1, i32::MIN, i32::MAX, 1, 4096] {
            assert_eq!(slots.get(Handle(number)), (number == second.0).then_some(&"second"));
        }
    }

    #[test]
    fn no_handle_is_given_twice_and_slots_are_used_again() {
        let mut slots = Slots::new();
        let mut last = -1;
        for _ in 0..GENERATIONS {
            let handle = slots.insert(()).unwrap();
            assert!(handle.0 > last && handle.index() == Some(0));
            last = handle.0;
            slots.remove(handle);
        }
        assert_eq!(slots.insert(()).unwrap().index(), Some(1), "the first index has had all its generations");
    }

    #[test]
    fn there_is_a_most_and_then_none() {
        let mut slots = Slots::new();
        let handles: Vec<_> = (0..CAPACITY).map(|_| slots.insert(()).unwrap()).collect();
        assert_eq!(slots.insert(()), None);
        slots.remove(handles[7]);
        assert!(slots.insert(()).is_some() && slots.insert(()).is_none());
    }
}
