//! The user a flag is decided for: a targeting key and attributes, borrowed from the caller and bound once to a
//! snapshot.
//!
//! **Binding resolves strings once.** A snapshot numbers the attributes that its conditions read, and interns the
//! strings that `==` and `in` compare. [`Context::bind`] looks both up, and hashes the targeting key. Afterwards a
//! decision compares integers, however many flags are decided with the same bound context.
//!
//! **32 slots.** The compiler gives the lowest ids to the 32 attributes that most conditions read. Those have a slot in
//! the bound context. A rarer attribute is searched by name each time a condition reads it, with the same result. So a
//! bound context has a fixed size, and binding allocates nothing.
//!
//! **Sixteen bytes per slot.** A context is bound for every request, so a slot holds only what decisions compare: the
//! bits of a number or the digest of a text, the id of an interned string, the type, and the position of the value in
//! the caller's list. Texts, lists and booleans are read from the caller's list when an operator needs them.
//!
//! Only finite numbers, booleans, texts and lists of texts are present. A number that is NaN or infinite counts as
//! absent, as does an attribute that the caller leaves out. The attribute `user_id` always reads the targeting key, and
//! `cohorts`, a list of texts, names the cohorts that the host puts the user in.

use crate::snapshot::{AttributeId, Reader, Snapshot};
use crate::value::AttributeValue;

mod entries;
mod slots;

pub use entries::Entries;
pub use slots::Slots;
pub(crate) use slots::{Kind, Slot, USER, Values, View};

/// The attribute that names the cohorts that the host puts this user in.
const COHORTS: &str = "cohorts";

/// A targeting key and attributes, borrowed from the caller.
///
/// A context belongs to no snapshot, costs nothing to make, and can be bound to any number of them.
///
/// ```
/// use flcm_flags::Context;
/// let context = Context::new(Some("alice"), &[("country", "DE".into()), ("age", 45.into())]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    targeting_key: Option<&'a str>,
    attributes: Attributes<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Attributes<'a> {
    Named(&'a [(&'a str, AttributeValue<'a>)]),
    Numbered(&'a [(AttributeId, AttributeValue<'a>)], &'a [&'a str]),
}

impl Default for Attributes<'_> {
    fn default() -> Self {
        Self::Named(&[])
    }
}

impl<'a> Context<'a> {
    /// A context of a targeting key, which is the user id, and named attributes.
    ///
    /// The targeting key may be absent: such a user is outside every percentage below 100, and gets the first variant
    /// of a split. An empty key is a key like any other. Of two attributes with the same name the later one counts.
    /// Attributes after the 65,535th are not read.
    ///
    /// ```
    /// use flcm_flags::{AttributeValue, Context};
    /// let groups: &[&str] = &["beta", "staff"];
    /// let attributes = [("cohorts", groups.into()), ("paying", true.into()), ("version", "2.1.0".into())];
    /// let anonymous = Context::new(None, &attributes);
    /// ```
    #[must_use]
    pub const fn new(targeting_key: Option<&'a str>, attributes: &'a [(&'a str, AttributeValue<'a>)]) -> Self {
        Self { targeting_key, attributes: Attributes::Named(attributes) }
    }

    /// Like [`new`](Self::new), for a caller that has looked up attribute names in [`Snapshot::attributes`] before.
    ///
    /// Binding to that snapshot then searches for no name. `cohorts` are the ones that the host puts this user in. An
    /// id that the snapshot does not have is ignored, so bind such a context only to the snapshot that the ids are
    /// from.
    ///
    /// ```
    /// use flcm_flags::{AttributeId, Context, Millis, Snapshot, Trips, evaluate};
    ///
    /// let text = "flags: { beta: { conditions: [{ attribute: age, operator: '>', value: 30 }] } }";
    /// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
    /// let snapshot = Snapshot::from_bytes(bytes)?;
    /// assert_eq!(snapshot.attributes().next(), Some("age"));
    /// let attributes = [(AttributeId(0), 45.into())];
    /// let alice = Context::numbered(Some("alice"), &attributes, &[]).bind(&snapshot);
    /// assert!(evaluate(&snapshot, &Trips::NONE, snapshot.flag("beta").unwrap(), &alice, Millis(0)).enabled());
    /// # Ok::<(), flcm_flags::SnapshotError>(())
    /// ```
    #[must_use]
    pub const fn numbered(
        targeting_key: Option<&'a str>,
        attributes: &'a [(AttributeId, AttributeValue<'a>)],
        cohorts: &'a [&'a str],
    ) -> Self {
        Self { targeting_key, attributes: Attributes::Numbered(attributes, cohorts) }
    }

    /// Resolves the context against a snapshot, so that decisions compare integers. It allocates nothing.
    ///
    /// The bound context belongs to snapshots of the same bytes. With another snapshot every decision is an
    /// [`InvalidContext`](crate::ErrorCode::InvalidContext) error, so bind again after an update.
    ///
    /// ```
    /// use flcm_flags::{Context, ErrorCode, Millis, Reason, Snapshot, Trips, evaluate};
    ///
    /// let compile = |text| flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
    /// let before = Snapshot::from_bytes(compile("flags: { beta: { rollout: { percentage: 10 } } }"))?;
    /// let after = Snapshot::from_bytes(compile("flags: { beta: { rollout: { percentage: 20 } } }"))?;
    /// let alice = Context::new(Some("alice"), &[]);
    /// let bound = alice.bind(&before);
    ///
    /// let flag = after.flag("beta").unwrap();
    /// let decision = evaluate(&after, &Trips::NONE, flag, &bound, Millis(0));
    /// assert_eq!(decision.reason(), Reason::Error(ErrorCode::InvalidContext));
    /// let decision = evaluate(&after, &Trips::NONE, flag, &alice.bind(&after), Millis(0));
    /// assert_eq!(decision.reason().error_code(), None);
    /// # Ok::<(), flcm_flags::SnapshotError>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn bind<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>) -> BoundContext<'a> {
        // Resolved where it lies, so that it is not copied.
        let mut bound = BoundContext { context: *self, slots: Slots::UNBOUND };
        bound.resolve(snapshot.reader());
        bound
    }
}

/// A [`Context`] whose strings are resolved against one snapshot.
///
/// It borrows the caller's targeting key and attributes, not the snapshot: it names the snapshot by its digest. It is
/// about 600 bytes, and lives on the stack.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BoundContext<'a> {
    // First what each decision reads.
    slots: Slots,
    context: Context<'a>,
}

impl<'a> BoundContext<'a> {
    #[inline(never)]
    fn resolve(&mut self, reader: Reader<'_>) {
        let Self { context, slots } = self;
        slots.begin(reader, context.targeting_key.map(str::as_bytes));
        match context.attributes {
            Attributes::Named(attributes) => {
                for (position, (name, value)) in (0..USER).zip(attributes) {
                    let Some(id) = reader.find_attribute(name.as_bytes()) else { continue };
                    slots.fill(reader, id, position, Item::of(value));
                }
            }
            Attributes::Numbered(attributes, _) => {
                for (position, (id, value)) in (0..USER).zip(attributes) {
                    slots.fill(reader, id.0, position, Item::of(value));
                }
            }
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { slots: &self.slots, values: &self.context }
    }

    /// The targeting key, if the context has one.
    #[must_use]
    pub fn targeting_key(&self) -> Option<&'a str> {
        self.context.targeting_key
    }

    /// The digest of the targeting key ([`sip`](crate::bucket::sip)): a number that identifies the user without their
    /// id.
    ///
    /// [`Units`](crate::breaker::Units) and [`Distinct`](crate::metrics::Distinct) count users by it. It is a hash
    /// without a secret, so whoever can guess a user id can compute it.
    #[must_use]
    pub fn user_digest(&self) -> Option<u64> {
        self.slots.user_digest()
    }
}

/// A value of a context as decisions look at it.
#[derive(Clone, Copy)]
pub(crate) enum Item<'v> {
    Bool(bool),
    /// Its items are asked for with [`Values::list_has`].
    List,
    Number(f64),
    Text(&'v [u8]),
}

impl<'v> Item<'v> {
    const fn of(value: &AttributeValue<'v>) -> Self {
        match value {
            AttributeValue::Bool(value) => Self::Bool(*value),
            AttributeValue::List(_) => Self::List,
            AttributeValue::Number(value) => Self::Number(*value),
            AttributeValue::Text(value) => Self::Text(value.as_bytes()),
        }
    }
}

impl Values for Context<'_> {
    fn item(&self, position: u16) -> Option<Item<'_>> {
        match position {
            USER => self.targeting_key.map(|key| Item::Text(key.as_bytes())),
            _ => self.attributes.value(position).as_ref().map(Item::of),
        }
    }

    fn list_has(&self, position: u16, item: &[u8]) -> bool {
        match self.attributes.value(position) {
            Some(AttributeValue::List(items)) => items.iter().any(|other| other.as_bytes() == item),
            _ => false,
        }
    }

    fn has_cohort(&self, name: &[u8]) -> bool {
        self.attributes.cohorts().iter().any(|cohort| cohort.as_bytes() == name)
    }

    fn position(&self, reader: Reader<'_>, wanted: u32) -> Option<u16> {
        self.attributes.position(reader, wanted)
    }

    fn given(&self, position: u16) -> Option<AttributeValue<'_>> {
        match position {
            USER => self.targeting_key.map(AttributeValue::Text),
            _ => self.attributes.value(position),
        }
    }
}

impl<'a> Attributes<'a> {
    fn value(&self, position: u16) -> Option<AttributeValue<'a>> {
        match self {
            Self::Named(attributes) => attributes.get(usize::from(position)).map(|(_, value)| *value),
            Self::Numbered(attributes, _) => attributes.get(usize::from(position)).map(|(_, value)| *value),
        }
    }

    /// The cohorts that the host puts this user in: the last value of the attribute, if that is a list.
    fn cohorts(&self) -> &'a [&'a str] {
        match self {
            Self::Named(attributes) => match attributes.iter().rev().find(|(name, _)| *name == COHORTS) {
                Some((_, AttributeValue::List(cohorts))) => cohorts,
                _ => &[],
            },
            Self::Numbered(_, cohorts) => cohorts,
        }
    }

    /// The position of the last present value of an attribute.
    fn position(&self, reader: Reader<'_>, wanted: u32) -> Option<u16> {
        let name = reader.attribute_name(wanted)?;
        let is_wanted = |position: &u16| {
            let value = self.value(*position);
            let named = match self {
                Self::Named(attributes) => {
                    attributes.get(usize::from(*position)).is_some_and(|(other, _)| *other == name)
                }
                Self::Numbered(attributes, _) => {
                    attributes.get(usize::from(*position)).is_some_and(|(id, _)| id.0 == wanted)
                }
            };
            named && value.is_some_and(|value| slots::is_present(Item::of(&value)))
        };
        (0..self.count()).rev().find(is_wanted)
    }

    fn count(&self) -> u16 {
        let count = match self {
            Self::Named(attributes) => attributes.len(),
            Self::Numbered(attributes, _) => attributes.len(),
        };
        u16::try_from(count).unwrap_or(USER)
    }
}
