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

use crate::bucket::sip;
use crate::snapshot::{AttributeId, Reader, Snapshot, to_usize, wire};
use crate::value::{AttributeValue, Decimal};

/// How many attributes are resolved when a context is bound. Those beyond are searched each time they are read.
const SLOTS: usize = 32;

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
    pub fn bind<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>) -> BoundContext<'a> {
        BoundContext::new(*self, snapshot.reader())
    }
}

/// A [`Context`] whose strings are resolved against one snapshot.
///
/// It borrows the caller's targeting key and attributes, not the snapshot: it names the snapshot by its digest. It is
/// about 600 bytes, and lives on the stack.
#[derive(Clone, Copy, Debug)]
pub struct BoundContext<'a> {
    pub(crate) snapshot: u64,
    context: Context<'a>,
    digest: Option<u64>,
    cohorts: &'a [&'a str],
    slots: [Slot; SLOTS],
}

/// One attribute as decisions compare it, in sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The bits of a number, or the digest of a text where some flag hashes the attribute.
    bits: u64,
    /// The id of the interned string, or [`wire::NONE`] when no condition compares with it.
    pub(crate) string: u32,
    /// Position among the context's attributes; [`USER`] for the targeting key.
    position: u16,
    /// The type.
    pub(crate) kind: Kind,
}

/// The type of an attribute's value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Absent,
    Number,
    /// A boolean or a list: looked up where it is needed.
    Other,
    Text,
}

/// The position of the targeting key.
const USER: u16 = u16::MAX;

impl Slot {
    const ABSENT: Self = Self { bits: 0, string: wire::NONE, position: 0, kind: Kind::Absent };

    fn new(reader: Reader<'_>, id: u32, position: u16, value: AttributeValue<'_>) -> Self {
        let uses = reader.get(&reader.layout.attributes, id).map_or(0, |attribute| attribute.uses);
        let used = |bit| uses & bit != 0;
        match value {
            AttributeValue::Bool(_) | AttributeValue::List(_) => Self { position, kind: Kind::Other, ..Self::ABSENT },
            AttributeValue::Number(number) => {
                Self { bits: number.to_bits(), position, kind: Kind::Number, ..Self::ABSENT }
            }
            AttributeValue::Text(text) => {
                let string = if used(wire::attribute::INTERNED) { reader.find_operand(text) } else { None };
                let bits = if used(wire::attribute::HASHED) { sip(text.as_bytes()) } else { 0 };
                Self { bits, string: string.unwrap_or(wire::NONE), position, kind: Kind::Text }
            }
        }
    }

    /// The number, if it is one.
    pub(crate) const fn number(&self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// The digest of a text's bytes, or of an integer's decimal text. Nothing else can be hashed.
    fn digest(&self) -> Option<u64> {
        match self.kind {
            Kind::Text => Some(self.bits),
            Kind::Number => Decimal::new(self.number()).map(|decimal| sip(decimal.as_bytes())),
            Kind::Absent | Kind::Other => None,
        }
    }
}

impl<'a> BoundContext<'a> {
    fn new(context: Context<'a>, reader: Reader<'_>) -> Self {
        let mut bound = Self {
            snapshot: reader.layout.digest,
            context,
            digest: context.targeting_key.map(|key| sip(key.as_bytes())),
            cohorts: &[],
            slots: [Slot::ABSENT; SLOTS],
        };
        match context.attributes {
            Attributes::Named(attributes) => {
                for (position, (name, value)) in (0..USER).zip(attributes) {
                    if *name == COHORTS {
                        bound.cohorts = if let AttributeValue::List(cohorts) = value { cohorts } else { &[] };
                    }
                    let Some(id) = reader.find_attribute(name) else { continue };
                    bound.fill(reader, id, position, *value);
                }
            }
            Attributes::Numbered(attributes, cohorts) => {
                bound.cohorts = cohorts;
                for (position, (id, value)) in (0..USER).zip(attributes) {
                    bound.fill(reader, id.0, position, *value);
                }
            }
        }
        if let (Some(key), Some(id)) = (context.targeting_key, reader.layout.user_attribute) {
            bound.fill(reader, id, USER, AttributeValue::Text(key));
        }
        bound
    }

    fn fill(&mut self, reader: Reader<'_>, id: u32, position: u16, value: AttributeValue<'a>) {
        let is_user = reader.layout.user_attribute == Some(id);
        if let Some(slot) = self.slots.get_mut(to_usize(id))
            && is_user == (position == USER)
            && is_present(value)
        {
            *slot = Slot::new(reader, id, position, value);
        }
    }

    /// The targeting key, if the context has one.
    #[must_use]
    pub fn targeting_key(&self) -> Option<&'a str> {
        self.context.targeting_key
    }

    /// The digest of the targeting key ([`sip`]): a number that identifies the user without their id.
    ///
    /// [`Units`](crate::breaker::Units) and [`Distinct`](crate::metrics::Distinct) count users by it. It is a hash
    /// without a secret, so whoever can guess a user id can compute it.
    #[must_use]
    pub fn user_digest(&self) -> Option<u64> {
        self.digest
    }

    /// The cohorts that the host puts this user in.
    pub(crate) fn cohorts(&self) -> &'a [&'a str] {
        self.cohorts
    }

    /// The digest of an attribute that some flag hashes.
    pub(crate) fn attribute_digest(&self, reader: Reader<'_>, id: u32) -> Option<u64> {
        self.with_slot(reader, id, Slot::digest)
    }

    /// Passes the slot of an attribute to `look`: the resolved one, or for a rare attribute one that is searched now.
    #[inline]
    pub(crate) fn with_slot<R>(&self, reader: Reader<'_>, id: u32, look: impl FnOnce(&Slot) -> R) -> R {
        match self.slots.get(to_usize(id)) {
            Some(slot) => look(slot),
            None => look(&self.search(reader, id)),
        }
    }

    /// The value behind a slot, as the caller gave it; `None` for an absent attribute.
    pub(crate) fn value(&self, slot: &Slot) -> Option<AttributeValue<'a>> {
        match (slot.kind, slot.position) {
            (Kind::Absent, _) => None,
            (_, USER) => self.context.targeting_key.map(AttributeValue::Text),
            (_, position) => self.context.attributes.value(position),
        }
    }

    #[cold]
    #[inline(never)]
    fn search(&self, reader: Reader<'_>, id: u32) -> Slot {
        if reader.layout.user_attribute == Some(id) {
            let key = self.context.targeting_key.map(AttributeValue::Text);
            return key.map_or(Slot::ABSENT, |key| Slot::new(reader, id, USER, key));
        }
        let found = self.context.attributes.position(reader, id);
        let value = found.and_then(|position| Some((position, self.context.attributes.value(position)?)));
        value.map_or(Slot::ABSENT, |(position, value)| Slot::new(reader, id, position, value))
    }
}

impl<'a> Attributes<'a> {
    fn value(&self, position: u16) -> Option<AttributeValue<'a>> {
        match self {
            Self::Named(attributes) => attributes.get(usize::from(position)).map(|(_, value)| *value),
            Self::Numbered(attributes, _) => attributes.get(usize::from(position)).map(|(_, value)| *value),
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
            named && value.is_some_and(is_present)
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

fn is_present(value: AttributeValue<'_>) -> bool {
    !matches!(value, AttributeValue::Number(number) if !number.is_finite())
}
