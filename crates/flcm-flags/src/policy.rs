//! When and how a flag rolls back: `error_threshold` of the document, as plain values with their defaults.

/// An enum of plain words: each goes on the wire and into documents as its word, and into snapshots as its place.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them, each at the place that stands for it in bytes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word that goes on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The one of a word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }

            /// The one at a place in [`ALL`](Self::ALL), as bytes have it.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }

            /// The place in [`ALL`](Self::ALL).
            #[must_use]
            #[expect(clippy::as_conversions, reason = "the discriminant of a u8 enum")]
            pub const fn code(self) -> u8 {
                self as u8
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What finds out that a flag does harm.
    Detector {
        /// Accumulated evidence against the threshold and against the control, with a bounded rate of false alarms.
        Evidence = "evidence",
        /// The error rate within a window, once there are enough outcomes.
        Rate = "rate",
    }
}

words! {
    /// How a flag that was rolled back comes back.
    Recovery {
        /// By the cause: probed when something else may be at fault, acknowledged when it did worse than its control.
        ByCause = "by_cause",
        /// Probed, whatever the cause.
        Auto = "auto",
        /// Acknowledged by a person.
        Sticky = "sticky",
    }
}

words! {
    /// What a rollback does.
    Action {
        /// Errors switch the flag off; slow calls take it back to its last good percentage, and off if they go on.
        Disable = "disable",
        /// Errors, too, take it back to its last good percentage first.
        StepBack = "step_back",
        /// Nothing: it is only reported that the flag would have been rolled back.
        Notify = "notify",
    }
}

words! {
    /// What happens when the control fails as well, which points to something that both use.
    Shared {
        /// The flag is rolled back all the same.
        RollBack = "roll_back",
        /// The flag stays at its percentage, which does not rise any more, and it is reported.
        Hold = "hold",
    }
}

/// When and how a flag rolls back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Error rate above which the flag is rolled back, between 0 and 1.
    pub rate: f64,
    /// Seconds that are shown and sent with events; with [`Detector::Rate`], over which the rate is taken.
    pub window: u32,
    /// Outcomes before a rate counts: [`Detector::Rate`] only.
    pub min_samples: u32,
    /// Seconds before the first probe.
    pub cooldown: u32,
    /// Share of users that passes half-open, in thousandths of a percent.
    pub probe: u32,
    /// What finds out.
    pub detector: Detector,
    /// How many times the control's error rate is tolerated.
    pub ratio: f64,
    /// What is tolerated on top of it.
    pub margin: f64,
    /// How many false rollbacks a flag may have in a day, on average.
    pub budget: f64,
    /// How the flag comes back.
    pub recovery: Recovery,
    /// What a rollback does.
    pub action: Action,
    /// What happens when the control fails as well.
    pub shared: Shared,
    /// Milliseconds above which a call is slow; 0: no call is.
    pub slow_ms: u32,
    /// Share of slow calls above which the flag is rolled back, between 0 and 1.
    pub slow_rate: f64,
}

impl Policy {
    /// What holds for each key that a document leaves out.
    pub const DEFAULT: Self = Self {
        rate: 0.05,
        window: 300,
        min_samples: 20,
        cooldown: 60,
        probe: 5_000,
        detector: Detector::Evidence,
        ratio: 1.25,
        margin: 0.001,
        budget: 0.001,
        recovery: Recovery::ByCause,
        action: Action::Disable,
        shared: Shared::RollBack,
        slow_ms: 0,
        slow_rate: 0.5,
    };

    /// Whether a call of so many milliseconds is slow. One that was not measured (not a number) is not.
    #[must_use]
    pub fn is_slow(&self, duration: f64) -> bool {
        self.slow_ms > 0 && duration > f64::from(self.slow_ms)
    }

    /// Whether every number lies where it must. Snapshots hold no other policy.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        share(self.rate)
            && self.window > 0
            && share(self.slow_rate)
            && self.probe <= crate::bucket::BUCKETS
            && (1.0..=100.0).contains(&self.ratio)
            && share(self.margin)
            && (1e-9..=0.5).contains(&self.budget)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
