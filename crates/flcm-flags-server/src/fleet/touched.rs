//! Flags that something has happened to since they were announced last.

use flcm_flags::FlagId;

/// A set of flags. It is as large as the document.
#[derive(Debug, Default)]
pub(super) struct Touched {
    is_touched: Vec<bool>,
    any: bool,
}

impl Touched {
    pub(super) fn insert(&mut self, flag: FlagId) {
        let index = flag.0 as usize;
        if self.is_touched.len() <= index {
            self.is_touched.resize(index + 1, false);
        }
        self.is_touched[index] = true;
        self.any = true;
    }

    pub(super) const fn is_empty(&self) -> bool {
        !self.any
    }

    pub(super) fn flags(&self) -> impl Iterator<Item = FlagId> {
        (0..).zip(&self.is_touched).filter(|(_, is_touched)| **is_touched).map(|(index, _)| FlagId(index))
    }
}
