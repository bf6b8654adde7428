//! When and how a flag rolls back: `error_threshold` of the document, as plain values with their defaults.
//!
//! A policy contains only what a document says. What follows from it by arithmetic, such as the logarithms of the test,
//! is in [`Plan`](crate::breaker::Plan), computed once per policy.
//!
//! **Defaults are part of the format.** Keys that were added later stand in a section of the snapshot of their own,
//! which is left out while all of them have their defaults. So older snapshots load, and a document that uses none of
//! the newer keys compiles to the same bytes as before.
//!
//! All enums here are lists of keywords. The keyword is written in documents and on the wire, the index in snapshots.
//! Neither ever changes its meaning; new keywords are added at the end.

/// An enum of keywords. Each is written as its keyword in documents and on the wire, and as its index in snapshots.
macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $keyword:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All variants, each at the index that bytes store.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The keyword, as documents and the wire write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $keyword,)* }
            }

            /// The variant of a keyword; `None` for any other text.
            #[must_use]
            pub fn from_keyword(keyword: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == keyword)
            }

            /// The variant at an index of [`ALL`](Self::ALL); `None` beyond it.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }

            /// The index in [`ALL`](Self::ALL), as bytes store it.
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
pub(crate) use keywords;

keywords! {
    /// How the breaker finds out that a flag does harm: `detector` of the document.
    ///
    /// ```
    /// use flcm_flags::Detector;
    /// assert_eq!(Detector::from_keyword("rate"), Some(Detector::Rate));
    /// assert_eq!(Detector::from_code(Detector::Rate.code()), Some(Detector::Rate));
    /// ```
    Detector {
        /// Accumulated evidence against the threshold and against the control, with a bounded rate of false alarms.
        Evidence = "evidence",
        /// The error rate within a window, once there are enough outcomes. Simple to explain, and wrong now and then by
        /// chance.
        Rate = "rate",
    }
}

keywords! {
    /// How a flag that was rolled back comes back: `recovery` of the document.
    Recovery {
        /// By the cause: an operator acknowledges it when it did worse than its control, otherwise it is probed.
        ByCause = "by_cause",
        /// It is probed after a cooldown, whatever the cause.
        Auto = "auto",
        /// An operator must acknowledge it, whatever the cause.
        Sticky = "sticky",
    }
}

keywords! {
    /// What a rollback does: `action` of the document.
    Action {
        /// Errors switch the flag off. Slow calls take it back to its last good percentage, and off if they go on.
        Disable = "disable",
        /// Errors, too, take the flag back to its last good percentage first.
        StepBack = "step_back",
        /// Nothing is rolled back. The breaker only reports what it would have done.
        Notify = "notify",
    }
}

keywords! {
    /// What happens when the control fails as well, which points to something that both arms use: `shared` of the
    /// document.
    Shared {
        /// The flag is rolled back all the same.
        RollBack = "roll_back",
        /// The flag stays at its percentage, which must not rise until the control is well again. The breaker reports
        /// it.
        Hold = "hold",
    }
}

keywords! {
    /// Who reports outcomes.
    Source {
        /// Hosts with a key that only they know.
        Servers = "servers",
        /// Pages. Their key is public, so anyone may report what they like.
        Pages = "pages",
    }
}

keywords! {
    /// Whose outcomes are evidence: `evidence` of the document.
    ///
    /// ```
    /// use flcm_flags::{Source, Sources};
    /// assert!(Sources::ServersAndPages.include(Source::Pages));
    /// assert!(!Sources::Servers.include(Source::Pages));
    /// ```
    Sources {
        /// Those of servers.
        Servers = "servers",
        /// Both. Each have a breaker of their own, and the flag is on when both are well.
        ServersAndPages = "servers, pages",
        /// Those of pages, for a flag that no server decides.
        Pages = "pages",
    }
}

impl Sources {
    /// Whether the outcomes of a source are evidence.
    #[must_use]
    pub const fn include(self, source: Source) -> bool {
        match source {
            Source::Servers => !matches!(self, Self::Pages),
            Source::Pages => !matches!(self, Self::Servers),
        }
    }

    /// All of some sources; `None` without any.
    #[must_use]
    pub const fn of(servers: bool, pages: bool) -> Option<Self> {
        match (servers, pages) {
            (true, true) => Some(Self::ServersAndPages),
            (true, false) => Some(Self::Servers),
            (false, true) => Some(Self::Pages),
            (false, false) => None,
        }
    }
}

/// When and how a flag rolls back.
///
/// [`Flag::policy`](crate::Flag::policy) reads it from a snapshot.
///
/// ```
/// use flcm_flags::{Policy, Recovery};
///
/// let policy = Policy { rate: 0.02, slow_ms: 800, recovery: Recovery::Sticky, ..Policy::DEFAULT };
/// assert!(policy.is_valid());
/// assert!(policy.is_slow(801.0) && !policy.is_slow(f64::NAN));
/// assert!(!Policy { budget: 0.0, ..policy }.is_valid());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Error rate above which the flag is rolled back, between 0 and 1.
    pub rate: f64,
    /// Seconds of outcomes that reports show. With [`Detector::Rate`], the rate is taken over them.
    pub window: u32,
    /// Outcomes in the window before a rate counts. Only [`Detector::Rate`] uses it.
    pub min_samples: u32,
    /// Seconds before the first probe. Each further attempt waits twice as long.
    pub cooldown: u32,
    /// Share of users that passes while the flag is probed, in thousandths of a percent.
    pub probe: u32,
    /// How the breaker finds out that the flag does harm.
    pub detector: Detector,
    /// How many times the control's error rate is tolerated, from 1 to 100.
    pub ratio: f64,
    /// Error rate that is tolerated on top of that, between 0 and 1.
    pub margin: f64,
    /// How many false rollbacks the flag may have in a day, on average.
    pub budget: f64,
    /// How the flag comes back after a rollback.
    pub recovery: Recovery,
    /// What a rollback does.
    pub action: Action,
    /// What happens when the control fails as well.
    pub shared: Shared,
    /// Whose outcomes are evidence, where a server weighs those of many hosts.
    pub evidence: Sources,
    /// Milliseconds above which a call is slow; 0 if no call is.
    pub slow_ms: u32,
    /// Share of slow calls above which the flag is rolled back, between 0 and 1.
    pub slow_rate: f64,
}

impl Policy {
    /// The values of keys that a document leaves out. A document must give `rate`; its value here is for tests and
    /// examples.
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
        evidence: Sources::Servers,
        slow_ms: 0,
        slow_rate: 0.5,
    };

    /// Whether a call of so many milliseconds is slow. NaN, for a call that was not measured, is not.
    #[must_use]
    pub fn is_slow(&self, duration: f64) -> bool {
        self.slow_ms > 0 && duration > f64::from(self.slow_ms)
    }

    /// Whether every number is within its range. A snapshot with any other policy does not load.
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
